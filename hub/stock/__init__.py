"""The store's units as a double-entry ledger: every change is a move, no balance is overwritten."""
