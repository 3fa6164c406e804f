"""What the forms of structures, people, programs and the directory are told to the services as."""

import csv
import io

import pytest

from services.portal.pages import gestion_directory, people_roles, software, structures_place
from services.portal.pages.forms import Form


def form(**values: str | list[str]) -> Form:
    """A form that was sent."""
    return Form({name: [value] if isinstance(value, str) else value for name, value in values.items()})


def test_a_day_begins_and_ends_at_midnight_in_paris() -> None:
    assert structures_place.first_instant("2026-07-14") == "2026-07-14T00:00:00+02:00"
    assert structures_place.last_instant("2026-12-31") == "2027-01-01T00:00:00+01:00"
    # The night in which clocks are put back has 25 hours.
    assert structures_place.first_instant("2026-10-25") == "2026-10-25T00:00:00+02:00"
    assert structures_place.last_instant("2026-10-25") == "2026-10-26T00:00:00+01:00"


@pytest.mark.parametrize("text", ["", "demain", "2026-13-01", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_is_no_instant(text: str) -> None:
    assert structures_place.first_instant(text) is None
    assert structures_place.last_instant(text) is None


def test_the_last_day_of_what_ends_at_midnight_is_the_day_before() -> None:
    assert structures_place.last_day("2026-12-31T23:00:00Z") == "2026-12-31"
    assert structures_place.first_day("2026-12-31T23:00:00Z") == "2027-01-01"
    assert structures_place.last_day(None) == ""


def test_a_key_with_a_slash_stays_one_part_of_its_address() -> None:
    assert structures_place.path_of("TAHITI:12/3", "personnes") == "/structures/TAHITI%3A12%2F3/personnes"


def test_roles_that_are_held_keep_the_day_on_which_they_began() -> None:
    held = [{"role": "FINANCE", "service": None, "since": "2026-01-01T00:00:00+01:00", "until": None}]
    until = {"until-COMPTABLE": "2026-12-31"}
    sent = form(role=["FINANCE", "COMPTABLE"], service=["DRH"], services="DSI, DRH", **until)
    assert people_roles.given(sent, held) == [
        {"role": "FINANCE", "service": None, "since": "2026-01-01T00:00:00+01:00", "until": None},
        {"role": "COMPTABLE", "service": None, "since": None, "until": "2027-01-01T00:00:00+01:00"},
        {"role": "AGENT", "service": "DRH", "since": None, "until": None},
        {"role": "AGENT", "service": "DSI", "since": None, "until": None},
    ]


def test_an_error_of_a_role_leads_to_its_box_or_to_its_day() -> None:
    names = people_roles.fields_of([{"role": "COMPTABLE"}, {"role": "AGENT"}])
    assert names["roles.0.until"] == "until-COMPTABLE"
    assert names["roles.0.role"] == "role"
    assert names["roles.1.service"] == "service"


def test_the_use_of_a_program_is_told_day_by_day_the_last_first() -> None:
    rows = [
        {"day": "2026-11-21", "act": "read", "requests": 3, "refused": 1, "failed": 0},
        {"day": "2026-11-22", "act": "write", "requests": 2, "refused": 0, "failed": 1},
        {"day": "2026-11-22", "act": "read", "requests": 5, "refused": 0, "failed": 0},
    ]
    assert software.by_day({"rows": rows}) == [
        {"day": "2026-11-22", "read": 5, "write": 2, "refused": 0, "failed": 1},
        {"day": "2026-11-21", "read": 3, "write": 0, "refused": 1, "failed": 0},
    ]


def test_a_line_of_the_directory_keeps_what_it_was_given_whatever_that_is() -> None:
    row = {"entree": "service", "siret": "22060001900016", "code": "D;\"R'H", "nom": "Ressources\nhumaines"}
    [read] = csv.DictReader(io.StringIO(gestion_directory.csv_of(row).decode(), newline=""), delimiter=";")
    assert read == row
