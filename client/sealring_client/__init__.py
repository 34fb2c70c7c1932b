"""The device: asks every store, believes none, switches the whole stack at once, and goes back by itself."""
