"""The device's command `sealring-device`."""
