"""The store's units as a double-entry ledger: every change is a move, and no balance is ever overwritten."""
