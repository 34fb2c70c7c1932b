"""Brings bytes from stores, bounded in size and time. Knows no image and no rule of trust (SPEC HF)."""
