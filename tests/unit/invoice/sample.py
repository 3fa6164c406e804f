"""An invoice that passes every check, and the demo directory, for tests to bend."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import settings

from invoice.addressing import Address, Decision, decide, index_services
from invoice.directory import Parameters, Service, Structure
from invoice.directory_file import DirectoryFile, merge, parse
from invoice.findings import Finding
from invoice.identifiers import InvalidIdentifier, parse_siret
from invoice.model import InvoiceHeader

# No database of examples on disk, no deadline on a shared machine.
pure = settings(database=None, deadline=None, max_examples=150)

ROOT = Path(__file__).resolve().parents[3]
DIRECTORY_FILES = tuple(sorted((ROOT / "deploy" / "demo" / "directory").glob("*.json")))
DAY = date(2026, 11, 22)
SUPPLIER = "00099900300015"

ALPES_MARITIMES = "22060001900016"
VALDEBLORE = "20002983300015"
HAUTE_GARONNE = "22310001700423"
GERS = "00003200300014"
GERS_CLOSED = "00003200300022"
GERS_WORKS = "00003200300030"
GERS_REGIE = "00003200300048"

GOOD = InvoiceHeader(
    invoice_number="2026-0117",
    issue_date=date(2026, 11, 3),
    supplier_siret=SUPPLIER,
    recipient_siret=ALPES_MARITIMES,
    total_excl_tax=Decimal("100.00"),
    tax=Decimal("20.00"),
    total_incl_tax=Decimal("120.00"),
    payable=Decimal("120.00"),
    service_code="DRIT",
)


def bend(**changes: Any) -> InvoiceHeader:
    """The good invoice with some fields changed."""
    return msgspec.structs.replace(GOOD, **changes)


def demo_directory() -> DirectoryFile:
    """The demo directory as a whole."""
    return merge(parse(path.read_bytes()) for path in DIRECTORY_FILES)


_DEMO = demo_directory()
_STRUCTURES = {structure.siret: structure for structure in _DEMO.structures}


def structure_of(siret: str) -> Structure | None:
    """A structure of the demo directory."""
    return _STRUCTURES.get(siret)


def services_of(siret: str) -> dict[str, Service]:
    """The services of a structure of the demo directory, by normalised code."""
    return index_services(service for service in _DEMO.services if service.siret == siret)


def codes(findings: tuple[Finding, ...], *levels: str) -> list[str]:
    """The codes of the findings of some levels, all when none is named."""
    return [found.code for found in findings if not levels or found.level in levels]


def only(findings: tuple[Finding, ...], code: str) -> Finding:
    """The one finding with a code."""
    (found,) = (one for one in findings if one.code == code)
    return found


def route(siret: str, on: date = DAY, **written: Any) -> Decision:
    """Decide on the demo directory as routing does."""
    try:
        canonical = parse_siret(siret)
    except InvalidIdentifier:
        canonical = siret
    address = Address(recipient_siret=siret, **written)
    return decide(address, structure_of(canonical), services_of(canonical), on)


def route_in(structure: Structure, services: tuple[Service, ...] = (), **written: Any) -> Decision:
    """Decide on a structure made up by a test."""
    return decide(Address(recipient_siret=structure.siret, **written), structure, index_services(services), DAY)


def made(parameters: Parameters | None = None, **fields: Any) -> Structure:
    fields = {"siret": GERS, "name": "Essai", "tenant": "cd32", "kind": "test"} | fields
    return Structure(parameters=parameters or Parameters(), **fields)
