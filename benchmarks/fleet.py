"""A fleet's metadata in a day: a model of its bytes, beside hash bins, from sizes that are measured here.

N packages, M devices that check four times a day, P publications a day, 50 packages on each device. Between two checks
P/4 packages change, drawn evenly.

    uv run benchmarks/run.py fleet
"""

CHECKS = 4  # a day
INSTALLED = 50
FLEETS = ((10_000, 100_000, 100), (100_000, 1_000_000, 1_000), (1_000_000, 10_000_000, 10_000))
"""N, M, P."""
