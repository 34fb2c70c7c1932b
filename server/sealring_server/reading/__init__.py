"""Who may read images of a closed store: devices that sign their requests (SPEC RD-2)."""
