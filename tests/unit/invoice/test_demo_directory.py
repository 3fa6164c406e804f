"""The demo directory: what the départements publish, unchanged, and invented entries that say so."""

import json
from pathlib import Path
from typing import Any

import pytest

from invoice.directory import Contact, Service, Structure
from invoice.directory_file import DirectoryFile, parse, problems
from invoice.identifiers import is_siret, normalise_code
from tests.unit.invoice.sample import DIRECTORY_FILES, ROOT, demo_directory

PUBLISHED = ROOT.parent / "shared" / "domain" / "directory"
SOURCES = {"cd06": "alpes-maritimes", "cd31": "haute-garonne", "cd32": "gers"}
MANAGERS = ROOT / "deploy" / "demo" / "managers.json"
needs_source = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published lists stand beside the repository only where it is developed"
)


def invented(entry: Structure | Service) -> bool:
    text = entry.name if isinstance(entry, Structure) else entry.label
    return text.startswith("TEST ") and "inventé" in text


def managers() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(MANAGERS.read_bytes())["managers"]
    return loaded


def test_the_demo_directory_can_be_loaded_as_a_whole() -> None:
    assert [path.name for path in DIRECTORY_FILES] == ["cd06.json", "cd31.json", "cd32.json", "invented.json"]
    assert problems(demo_directory()) == ()
    assert len({tenant.id for tenant in demo_directory().tenants}) == 3


@needs_source
@pytest.mark.parametrize("tenant", sorted(SOURCES))
def test_every_published_structure_and_service_is_there_word_for_word_and_nothing_else(tenant: str) -> None:
    source = json.loads((PUBLISHED / f"{SOURCES[tenant]}.json").read_bytes())
    published = [entry for entry in source["structures"] if entry["siret"] is not None]
    ours = parse((ROOT / "deploy" / "demo" / "directory" / f"{tenant}.json").read_bytes())
    assert [(s.siret, s.name, s.kind, s.budget_code) for s in ours.structures] == [
        (s["siret"], s["name"], s["kind"], s.get("budget_code")) for s in published
    ]
    assert [(s.siret, s.code, s.label, s.active) for s in ours.services] == [
        (s["siret"], v["code"], v["label"], v["active"]) for s in published for v in s["services"]
    ]
    assert not any(map(invented, ours.structures))
    assert not any(map(invented, ours.services))


@needs_source
@pytest.mark.parametrize("tenant", sorted(SOURCES))
def test_what_a_body_states_is_loaded_and_what_it_does_not_state_is_not_required(tenant: str) -> None:
    source = json.loads((PUBLISHED / f"{SOURCES[tenant]}.json").read_bytes())
    published = {entry["siret"]: entry for entry in source["structures"] if entry["siret"] is not None}
    for ours in parse((ROOT / "deploy" / "demo" / "directory" / f"{tenant}.json").read_bytes()).structures:
        theirs = published[ours.siret]["parameters"]
        for name in ("service_required", "engagement_required", "service_or_engagement", "moa_only"):
            assert getattr(ours.parameters, name) is bool(theirs[name])
        assert ours.parameters.market_required == ("warn" if tenant == "cd31" else "off")
        assert ours.services_stated is published[ours.siret].get("services_stated", True)
        for kind in ("engagement", "market"):
            patterns = published[ours.siret][f"{kind}_patterns"]
            formats = getattr(ours, f"{kind}_formats")
            assert [(f.regex, f.mask, list(f.examples)) for f in formats] == [
                (p["regex"], p["mask_fr"], p["examples"]) for p in patterns
            ]


def test_every_invented_entry_says_so_and_no_invented_siret_could_be_a_real_one() -> None:
    ours = parse((ROOT / "deploy" / "demo" / "directory" / "invented.json").read_bytes())
    assert ours.tenants == ()
    assert all(map(invented, ours.structures))
    assert all(map(invented, ours.services))
    assert all(structure.siret.startswith("000") for structure in ours.structures)
    for service in ours.services:
        assert service.code.startswith("TEST-") or normalise_code(service.code) == "FACTURES_PUBLIQUES"


def test_the_invented_entries_let_every_rule_fail() -> None:
    directory = demo_directory()
    assert any(not structure.active for structure in directory.structures)
    assert any(structure.parameters.moa_only for structure in directory.structures)
    assert any(structure.parameters.service_or_engagement for structure in directory.structures)
    assert any(structure.parameters.market_replaces_engagement for structure in directory.structures)
    assert any(not service.active for service in directory.services)
    assert any(service.valid_to is not None for service in directory.services)
    assert any(service.engagement_required for service in directory.services)


def test_every_structure_and_service_has_a_manager_with_an_address_that_cannot_exist() -> None:
    directory = demo_directory()
    wanted = {(s.siret, None) for s in directory.structures} | {(s.siret, s.code) for s in directory.services}
    found = [(entry["siret"], entry["service_code"]) for entry in managers()]
    assert set(found) == wanted
    assert len(found) == len(set(found))
    for entry in managers():
        assert set(entry) == {"siret", "service_code", "name", "email"}
        assert is_siret(entry["siret"])
        user, _, domain = entry["email"].partition("@")
        assert user
        assert domain.endswith(".example")


def test_the_directory_files_carry_no_real_address_and_no_real_telephone() -> None:
    """Only made-up ones: addresses under .example, numbers of the range kept for fiction."""
    for path in DIRECTORY_FILES:
        for contact in _contacts(parse(path.read_bytes())):
            assert (contact.email or ".example").endswith(".example")
            assert (contact.telephone or "01 99 00").startswith("01 99 00")
        assert Path(path).read_text(encoding="utf-8").count("@") == sum(
            contact.email is not None for contact in _contacts(parse(path.read_bytes()))
        )


def _contacts(directory: DirectoryFile) -> list[Contact]:
    return [
        *(structure.contact for structure in directory.structures if structure.contact is not None),
        *(service.contact for service in directory.services if service.contact is not None),
        *(contact for tenant in directory.tenants for contact in tenant.contacts),
    ]


def test_the_invented_engagements_let_each_of_their_rules_fail() -> None:
    directory = demo_directory()
    stated = {structure.siret for structure in directory.structures if structure.engagements_stated}
    assert {engagement.siret for engagement in directory.engagements} == stated
    assert {engagement.open for engagement in directory.engagements} == {True, False}
    assert len({engagement.supplier for engagement in directory.engagements}) > 1
