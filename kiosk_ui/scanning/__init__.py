"""Scanners and screens: a screen shows its pairing code, and takes what its scanners read."""
