"""Tests of sealring: the three distributions meet only here."""
