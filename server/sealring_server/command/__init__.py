"""The store operator's command `sealring-store`."""
