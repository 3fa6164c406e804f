"""Faults under load: whatever is killed, every accepted deposit reaches its end exactly once in effect."""
