"""Images, mounts, generations and health on this disk. Knows no network (SPEC IM, GN, HC)."""
