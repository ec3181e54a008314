"""The fleet: which devices belong to this store, where they stand and when they were last heard.

It must never hold a device's secret, only the broker's hash of it.
"""
