"""House rules: what a store decided for itself, its staging shelves, how fast it picks."""
