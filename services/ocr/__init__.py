"""Reads deposited documents: text by keyword and place, with evidence."""
