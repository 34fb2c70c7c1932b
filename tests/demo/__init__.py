"""The demo: a story that runs the real commands on real software, and fails if anything differs from what it tells."""
