"""Replicates the store's journal with central inventory, and never changes what the store decided."""
