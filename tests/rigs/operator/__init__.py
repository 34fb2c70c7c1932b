"""A store with a history, and a real browser that looks at its operator's page."""
