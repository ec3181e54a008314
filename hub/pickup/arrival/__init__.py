"""Goods of ship-to-store orders: which parcels carry them, and what happens when those are here."""
