"""A retailer's brand: one file of tokens that every screen of the hub follows."""

from hub.brand.reading import Brand, BrandError, chosen, read

__all__ = ["Brand", "BrandError", "chosen", "read"]
