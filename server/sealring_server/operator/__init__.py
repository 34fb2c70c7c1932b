"""What is for the operator: a page, figures and health, on a listener of its own that reads only (SPEC HT-6)."""
