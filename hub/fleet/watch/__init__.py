"""What was heard of each device and what that means: here or away, what it may lose, what it needs.

It must never decide about an observation, and never take silence of the hub's own for a device's.
"""
