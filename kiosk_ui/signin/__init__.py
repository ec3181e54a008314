"""Signing in by PIN or badge, and out."""
