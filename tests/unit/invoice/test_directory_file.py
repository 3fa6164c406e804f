"""A directory file is checked as a whole, and each problem names its entry."""

import json
from typing import Any

import pytest

from invoice.directory_file import DirectoryFile, InvalidDirectory, merge, parse, problems
from tests.unit.invoice.sample import GERS, GERS_REGIE

STRUCTURE = {"siret": GERS, "name": "Essai", "tenant": "cd32", "kind": "test"}
SERVICE = {"siret": GERS, "code": "A", "label": "Achats"}


def load(
    structures: Any = (STRUCTURE,), services: Any = (SERVICE,), tenants: Any = ({"id": "cd32", "name": "Gers"},)
) -> DirectoryFile:
    return parse(json.dumps({"tenants": tenants, "structures": structures, "services": services}).encode())


def test_entries_that_fit_each_other_have_no_problem() -> None:
    assert problems(load()) == ()


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ({"structures": [STRUCTURE, STRUCTURE]}, f"structure {GERS} figure 2 fois"),
        ({"services": [SERVICE, {**SERVICE, "code": " a "}]}, f"service {GERS}/A figure 2 fois"),
        ({"tenants": []}, f"structure {GERS} : son tenant cd32 ne figure dans aucune entrée"),
        (
            {"services": [{**SERVICE, "siret": GERS_REGIE}]},
            f"service {GERS_REGIE}/A : sa structure ne figure dans aucune entrée",
        ),
        ({"services": [{**SERVICE, "code": " "}]}, f"service {GERS}/  : le code est vide : donnez-en un."),
        (
            {"services": [{**SERVICE, "valid_from": "2026-02-01", "valid_to": "2026-01-01"}]},
            f"service {GERS}/A : la fin (2026-01-01) précède le début (2026-02-01).",
        ),
    ],
)
def test_entries_that_do_not_fit_are_named(entries: dict[str, Any], problem: str) -> None:
    assert problems(load(**entries)) == (problem,)


@pytest.mark.parametrize(
    ("siret", "problem"),
    [
        ("00003200300015", "SIRET_CHECKSUM"),
        ("123", "SIRET_LENGTH"),
        ("000 032 003 00014", "s'écrit en 14 chiffres, sans espace"),
    ],
)
def test_a_siret_is_checked_and_canonical(siret: str, problem: str) -> None:
    (found,) = problems(load(structures=[{**STRUCTURE, "siret": siret}], services=[]))
    assert found.startswith(f"structure {siret} : ")
    assert problem in found


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"regex": "([", "mask": "m"}, "est mal formée"),
        ({"regex": "^A$", "mask": "m", "examples": ["B"]}, "'B' ne suit pas"),
    ],
)
def test_number_formats_compile_and_fit_their_own_examples(form: dict[str, Any], problem: str) -> None:
    (found,) = problems(load(structures=[{**STRUCTURE, "engagement_formats": [form]}]))
    assert problem in found


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (
            {"structures": [{**STRUCTURE, "services_state": True}]},
            "structure : le champ « services_state » n'existe pas",
        ),
        (
            {"structures": [{**STRUCTURE, "parameters": {"also_moa": True}}]},
            "structure.parameters : le champ « also_moa » n'existe pas",
        ),
        (
            {"structures": [{**STRUCTURE, "market_formats": [{"regex": "A", "mask": "m", "mask_fr": "m"}]}]},
            "structure.market_formats : le champ « mask_fr » n'existe pas",
        ),
        ({"services": [{**SERVICE, "actif": False}]}, "service : le champ « actif » n'existe pas"),
        ({"tenants": [{"id": "cd32", "name": "Gers", "x": 1}]}, "tenant : le champ « x » n'existe pas"),
        ({"services": [{**SERVICE, "active": "yes"}]}, "Expected `bool`, got `str` - at `$.services[0].active`"),
        (
            {"services": [{**SERVICE, "valid_to": "31/12/2026"}]},
            "Invalid RFC3339 encoded date - at `$.services[0].valid_to`",
        ),
    ],
)
def test_a_field_that_would_be_dropped_or_misread_is_refused(entries: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidDirectory) as caught:
        load(**entries)
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"tenant": []}', b"\xff"])
def test_what_is_no_directory_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidDirectory):
        parse(data)


def test_files_are_checked_together() -> None:
    structures, services = load(services=[]), DirectoryFile(services=load().services)
    assert problems(services) == (f"service {GERS}/A : sa structure ne figure dans aucune entrée",)
    assert problems(merge((structures, services))) == ()
