"""How a store's tables come about, and get from one edition's to the next: one schema, by steps (Alembic)."""
