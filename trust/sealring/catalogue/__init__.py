"""What a store currently says: a Merkle map, a view for each model, the log of its entries (SPEC MP, VW, CT, LG)."""
