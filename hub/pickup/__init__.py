"""Orders that are collected in this store, from proposed to picked up."""
