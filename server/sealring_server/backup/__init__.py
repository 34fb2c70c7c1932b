"""Backups of a store, their verification from the root alone, and what a restored store may do (SPEC BK-1 to BK-3)."""
