"""A second reader of the test vectors, in another language and from the specification alone."""
