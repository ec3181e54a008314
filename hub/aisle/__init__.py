"""Orders for goods that the distribution centre supplies, within rights held or on condition."""
