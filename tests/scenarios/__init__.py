"""Whole lives of invoices on the whole platform: ``make scenarios``."""
