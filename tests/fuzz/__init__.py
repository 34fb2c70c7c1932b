"""Fuzzers for everything that reads a stranger's bytes before a signature was checked.

`harnesses.py` is the table: one line makes a fuzzer. `python -m tests.fuzz NAME` runs it, `make sweep-fuzz` all of
them for long, and `test_short_run.py` each of them in every run of the tests.
"""
