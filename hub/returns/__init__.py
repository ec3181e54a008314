"""Goods that customers bring back: what becomes of them, and the refund that is asked for."""
