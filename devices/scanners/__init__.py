"""Scanners: barcodes read by eye, by camera and by hardware; they publish and never decide."""
