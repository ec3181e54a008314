"""Goods that come back, on a screen: what may come back, why, where it goes, what is refunded."""
