"""Invoices written in every syntax from one set of facts, for tests."""

from tests.unit.invoice.syntax.facts import CREDIT_NOTE, CUSTOMIZATION, PLAIN, Facts, fields_of
from tests.unit.invoice.syntax.write_cii import cii
from tests.unit.invoice.syntax.write_cpp import cpp
from tests.unit.invoice.syntax.write_ubl import ubl

__all__ = ["CREDIT_NOTE", "CUSTOMIZATION", "PLAIN", "Facts", "cii", "cpp", "fields_of", "ubl"]
