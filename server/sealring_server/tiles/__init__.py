"""The catalogue's map as 16-way tiles: immutable, numbered, and written with the publication (SPEC MP-1 to MP-6)."""
