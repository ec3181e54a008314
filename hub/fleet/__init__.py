"""The devices that this store knows, and when each was last heard."""
