"""An invoice of each cadre with everybody it demands, to be bent by each test."""

from datetime import date
from decimal import Decimal
from typing import Any

from invoice import cadres
from invoice.cadres import CADRES, Depositor, Given
from invoice.findings import Finding
from invoice.model import InvoiceHeader, Party

SUPPLIER, RECIPIENT = "73282932000074", "20002983300015"
FIRST, SECOND = "55208131766522", "35600000000048"
MOE, MOA = "22060001900016", "22310001700423"
EARLIER, FILE = "019e1c4e-0b7a-7c3e-9f00-3f1d2c4b5a69", "019e1c4e-0b7a-7c3e-9f00-000000000001"
ALL = sorted(CADRES, key=lambda code: (code[0], int(code[1:])))
WORKS = [code for code in ALL if CADRES[code].works]
FULL = {"moe": Party(siret=MOE), "moa": Party(siret=MOA)}


def header(code: str = "A1", **changes: Any) -> InvoiceHeader:
    """An invoice of a cadre."""
    given: dict[str, Any] = {
        "invoice_number": "F1",
        "issue_date": date(2026, 11, 3),
        "supplier_siret": SUPPLIER,
        "recipient_siret": RECIPIENT,
        "total_excl_tax": Decimal(100),
        "tax": Decimal(20),
        "total_incl_tax": Decimal(120),
        "payable": Decimal(120),
        "frame": None if code == "A1" else code,
        **changes,
    }
    return InvoiceHeader(**given)


def complete(code: str, **changes: Any) -> Given:
    """Everybody that a cadre demands, and nobody else."""
    cadre = CADRES[code]
    given: dict[str, Any] = {
        "cadre": code,
        "validators": tuple(Party(siret=siret) for siret in (FIRST, SECOND)[: cadre.validators[0]]),
        "moe": FULL["moe"] if cadre.moe == "required" else None,
        "moa": FULL["moa"] if cadre.moa == "required" else None,
        "previous_piece": EARLIER if cadre.after else None,
        **changes,
    }
    return Given(**given)


def depositor(code: str) -> Depositor:
    """The one whose piece it is."""
    by = CADRES[code].by
    return Depositor(structures=({"F": SUPPLIER, "MOE": MOE, "MOA": MOA}[by],), roles=(cadres.ROLES[by],))


def names(findings: tuple[Finding, ...]) -> list[str]:
    """The codes of findings, in order."""
    return [found.code for found in findings]
