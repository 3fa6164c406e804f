"""Plumbing shared by every service. It knows no invoice rule."""
