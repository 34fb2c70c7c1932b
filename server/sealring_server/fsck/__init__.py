"""A store's folder checked from the ground: every row against every other, and all of it against what SPEC.md says.

It reads one committed state and writes nothing, so it may run while the store serves. What it must remember of a
million statements lies in a temporary file of its own; in memory it holds some thousand rows at a time.
"""
