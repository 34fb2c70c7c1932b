"""The verifying core: bytes and an instant in, typed statements or a refusal out. No I/O, no clock, no environment."""
