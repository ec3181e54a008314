"""The wall screen for those who wait: which orders are being prepared, and which are ready."""
