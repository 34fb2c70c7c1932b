"""What sealring costs, measured against what it is built on; every figure is a ratio within one run."""
