"""The rules of a French public invoice, pure: no I/O, no clock, no randomness."""
