"""Replicates the journal with central inventory; never changes what the store decided."""
