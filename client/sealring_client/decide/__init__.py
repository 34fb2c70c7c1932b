"""What is trusted, what each store shows, and which software follows from it (SPEC DV-2 to DV-5, TF)."""
