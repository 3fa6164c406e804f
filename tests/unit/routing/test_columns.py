"""CSV: what is written is read again as it was, and no spreadsheet runs a cell."""

import csv
import io
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.directory import (
    Contact,
    Engagement,
    Entry,
    NumberFormat,
    Parameters,
    RuleOverride,
    Service,
    Structure,
    Tenant,
)
from invoice.structure_identifiers import identifier
from services.routing.columns import (
    COLUMNS,
    KINDS,
    NAMES,
    PUBLIC_NAMES,
    BadCell,
    Kind,
    cells,
    overlay,
    shield,
    unshield,
    write_csv,
)
from services.routing.sources import read
from tests.unit.routing.samples import SERVICES, SUPPLIER, TOWN

FULL: tuple[tuple[Kind, Entry], ...] = (
    ("tenant", Tenant(id="cd99", name="Essai", active=False, contacts=(Contact(name="Accueil", telephone="+33 1"),))),
    (
        "structure",
        Structure(
            siret=TOWN,
            name='=HYPERLINK("x")',
            tenant="cd99",
            kind="budget_principal",
            active=False,
            group="Dépt; « été »",
            parameters=Parameters(engagement_required=True, market_required="warn", payment_status_reported=False),
            engagement_formats=(NumberFormat(regex=r"CP\d+", mask="CP1", examples=("CP12",)),),
            services_stated=False,
            valid_from=date(2026, 1, 1),
            contact=Contact(telephone="+33 4 93 00 00 00"),
            payment_days=20,
            identifiers=(identifier("SIRET", TOWN),),
            levels=(RuleOverride(code="SERVICE_REQUIRED", level="warn"),),
        ),
    ),
    ("service", Service(siret=TOWN, code="-DRH", label="@SUM(A1)\nà deux lignes", engagement_required=False)),
    (
        "engagement",
        Engagement(siret=TOWN, number="CP1", supplier=identifier("SIRET", SUPPLIER), remaining=Decimal("12.30")),
    ),
)


@pytest.mark.parametrize(("kind", "entry"), FULL)
def test_an_entry_written_as_a_line_is_read_again_as_it_was(kind: Kind, entry: Entry) -> None:
    text = "".join(write_csv([cells(kind, entry)]))
    [line] = read(io.BytesIO(text.encode()), "csv")
    assert (line.kind, line.over(None)) == (kind, entry)
    assert line.over(entry) == entry


def test_no_cell_of_an_export_begins_as_a_formula() -> None:
    text = "".join(write_csv(cells(kind, entry) for kind, entry in FULL))
    found = [cell for row in csv.reader(io.StringIO(text), delimiter=";") for cell in row if cell]
    assert not [cell for cell in found if cell[0] in "=+-@\t\r\n|%"]
    assert '\'=HYPERLINK("x")' in found


@given(st.text())
def test_a_shielded_cell_is_read_as_it_was(text: str) -> None:
    assert unshield(shield(text)) == text
    assert shield(text)[:1] not in tuple("=+-@\t\r\n|%")


def test_an_absent_column_keeps_what_is_in_force_and_an_empty_cell_takes_it_away() -> None:
    held = msgspec.structs.replace(SERVICES[1], contact=Contact(name="Accueil"))
    line = {"siret": TOWN, "code": "Voirie 2", "nom": "Voirie et réseaux", "fin": ""}
    found = msgspec.convert(overlay("service", line, held), Service, strict=False)
    assert found == Service(siret=TOWN, code="Voirie 2", label="Voirie et réseaux", contact=Contact(name="Accueil"))


def test_a_cell_that_cannot_be_read_says_what_is_expected() -> None:
    with pytest.raises(BadCell) as bad:
        overlay("structure", {"actif": "peut-être"}, None)
    assert (bad.value.column, bad.value.value, bad.value.expected) == ("actif", "peut-être", "oui ou non")


def test_every_field_of_an_entry_has_a_column_and_engagements_are_in_no_public_one() -> None:
    for kind, entry in KINDS.items():
        heads = {column.path.partition(".")[0] for column in COLUMNS if kind in column.kinds}
        assert heads == set(entry.__struct_fields__), kind
    parts = {column.path.partition(".")[2] for column in COLUMNS if column.path.startswith("parameters.")}
    assert parts == set(Parameters.__struct_fields__)
    assert set(NAMES) - set(PUBLIC_NAMES) == {"fournisseur", "service", "ouvert", "reste"}
