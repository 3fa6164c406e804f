"""Invoices made for the rules of EN 16931: valid ones of every kind, and the same broken one rule at a time."""
