"""The cases behind the vectors, by area."""
