"""Rigs: tests that need a component of the system, and what they share."""
