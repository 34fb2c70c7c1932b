"""A fleet, publishers and random kills at one served store, for minutes (`make sweep-soak`)."""
