"""One entry of the directory by itself: what is wrong with it is said, field by field."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from invoice import near
from invoice.directory import (
    Contact,
    Engagement,
    Entry,
    Identifier,
    NumberFormat,
    Policies,
    RuleOverride,
    Service,
    Tenant,
    bare,
)
from invoice.directory_checks import entry_problems, name_of
from invoice.kinds import KINDS, payment_days
from invoice.references import fits, simple
from tests.unit.invoice.sample import GERS, SUPPLIER, demo_directory, made

CONTACT = Contact(name="Factures", email="factures@gers.example", telephone="0100000000", hours="9 h - 12 h")


def tenant(**fields: Any) -> Tenant:
    return Tenant(**{"id": "cd32", "name": "Gers", **fields})


def service(**fields: Any) -> Service:
    return Service(**{"siret": GERS, "code": "A", "label": "Achats", **fields})


def engagement(**fields: Any) -> Engagement:
    return Engagement(**{"siret": GERS, "number": "E1", **fields})


WHOLE: tuple[Entry, ...] = (
    tenant(
        logo="https://gers.example/logo.svg",
        sender="factures@gers.example",
        contacts=(CONTACT,),
        policies=Policies(levels=(RuleOverride(code="SERVICE_UNKNOWN", level="warn"),)),
    ),
    tenant(logo="data:image/png;base64,AAAA"),
    made(
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 1, 1),
        town="Auch",
        postal_code="32000",
        contact=CONTACT,
        identifiers=(Identifier(type="AUTRE", value="d 1", normalised="D 1"),),
        payment_days=20,
        levels=(RuleOverride(code="ENGAGEMENT_UNKNOWN", level="refuse"),),
        engagement_formats=(NumberFormat(regex=r"(?:CP|AP)\d{4}(/\d)?", mask="CPaaaa", examples=("CP2020/1",)),),
    ),
    service(contact=CONTACT, market_required="warn", moa_only=True),
    engagement(supplier=Identifier(type="SIRET", value=SUPPLIER, normalised=SUPPLIER), remaining=Decimal("10.50")),
    engagement(open=False, remaining=Decimal("0")),
)


@pytest.mark.parametrize("entry", WHOLE, ids=name_of)
def test_a_whole_entry_has_no_problem(entry: Entry) -> None:
    assert entry_problems(entry) == ()


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (tenant(id="CD 32"), "1 à 40 minuscules"),
        (tenant(name=" "), "le nom est vide"),
        (tenant(sender="factures"), "'factures' n'est pas une adresse"),
        (tenant(logo="javascript:alert(1)"), "le logo est"),
        (tenant(logo="data:image/png;base64," + "A" * 70_000), "le logo est"),
        (tenant(contacts=(Contact(email="a@b"),)), "'a@b' n'est pas une adresse"),
        (tenant(policies=Policies(levels=(RuleOverride(code="DEST_STATE", level="warn"),))), "DEST_STATE ne peut pas"),
        (made(siret="00003200300015"), "SIRET_CHECKSUM"),
        (made(name=""), "le nom est vide"),
        (made(kind="chateau"), "le type 'chateau' n'existe pas"),
        (made(payment_days=31), "un délai de paiement de 31 jours ne convient pas : de 1 à 30"),
        (made(payment_days=0), "un délai de paiement de 0 jours"),
        (made(valid_from=date(2026, 2, 1), valid_to=date(2026, 1, 1)), "la fin (2026-01-01) précède le début"),
        (made(postal_code="3200"), "le code postal '3200' ne compte pas"),
        (made(contact=Contact(email="x")), "'x' n'est pas une adresse"),
        (made(identifiers=(Identifier(type="RIDET", value="1", normalised="1"),)), "RIDET valide (RIDET_FORM)"),
        (made(identifiers=(Identifier(type="AUTRE", value="a", normalised="a"),)), "s'écrit 'A'"),
        (made(engagement_formats=(NumberFormat(regex=r"(a+)+", mask="m"),)), "est trop complexe"),
        (made(engagement_formats=(NumberFormat(regex="a", mask="a"),) * 11), "11 formats d'engagement : 10 au plus"),
        (made(market_formats=(NumberFormat(regex=r"[b-a]", mask="m"),)), "est mal formée"),
        (service(code=" "), "le code est vide"),
        (service(code="A" * 101), "le code compte 101 caractères"),
        (engagement(number=" "), "le numéro est vide"),
        (engagement(number="1" * 51), "le numéro compte 51 caractères"),
        (engagement(remaining=Decimal("-1")), "le reste -1"),
        (engagement(remaining=Decimal("1.005")), "le reste 1.005"),
        (engagement(supplier=Identifier(type="SIRET", value="1", normalised="1")), "SIRET valide (SIRET_LENGTH)"),
    ],
)
def test_what_is_wrong_is_said_with_the_entry_s_name(entry: Entry, problem: str) -> None:
    (found,) = entry_problems(entry)
    assert found.startswith(f"{name_of(entry)} : ")
    assert problem in found


@pytest.mark.parametrize("entry", [*WHOLE, *demo_directory().entries()], ids=name_of)
def test_what_is_announced_of_a_deletion_names_the_entry_and_nothing_else(entry: Entry) -> None:
    left = bare(entry)
    assert name_of(left) == name_of(entry)
    assert entry_problems(left) == ()
    given = {name for name in left.__struct_fields__ if getattr(left, name) != _default(left, name)}
    assert given <= {"id", "name", "siret", "tenant", "kind", "code", "label", "number"}


def _default(entry: Entry, name: str) -> object:
    defaults = dict(zip(entry.__struct_fields__[::-1], entry.__struct_defaults__[::-1], strict=False))
    return defaults.get(name, object())


@pytest.mark.parametrize(
    ("regex", "plain"),
    [
        (r"^CP\d{4}/[A-Z0-9]{6,7}/\d+$", True),
        (r"[A-Z]{2}\d{4}/[A-Z0-9]+(/\d)?", True),
        (r"(?:CP|AP)\d{4}", True),
        (r"[*+?(]\*\+", True),
        (r"(a+)+", False),
        (r"(a|aa)*", False),
        (r"(a|aa)(a|aa)(a|aa)", True),
        (r"(a|aa)" * 4, False),
        (r"(?:|a)" * 4, False),
        (r"(\\(|a)" * 4, False),
        (r"((a))", False),
        (r"\d*\d*\d*\d*", False),
        (r"\\*\\*\\*\\*\\*", False),
        (r"(?=a)a", False),
        (r"(a)\1", False),
        ("a" * 201, False),
    ],
)
def test_only_plain_expressions_are_tried_on_what_is_written(regex: str, plain: bool) -> None:
    assert simple(regex) is plain


def test_a_long_number_is_not_parted_in_every_possible_way() -> None:
    form = NumberFormat(regex=r"A/A{3,99}/A{3,99}", mask="A/AAA/AAA")
    assert near.numbers((form,), "A" * near.MAX_TWICE_PARTED)
    assert not near.numbers((form,), "A" * (near.MAX_TWICE_PARTED + 1))


def test_an_expression_that_is_not_plain_fits_nothing() -> None:
    assert not fits((NumberFormat(regex="((A))", mask="A"),), "A")
    assert fits((NumberFormat(regex="(A)", mask="A"),), "A")


@pytest.mark.parametrize(
    ("kind", "own", "days"),
    [("commune", None, 30), ("hopital", None, 50), ("entreprise_publique", None, 60), ("hopital", 20, 20)],
)
def test_the_payment_delay_is_the_kind_s_or_a_shorter_one(kind: str, own: int | None, days: int) -> None:
    assert payment_days(made(kind=kind, payment_days=own)) == days


def test_a_delay_is_never_longer_than_the_law_s_even_in_a_bad_entry() -> None:
    assert payment_days(made(kind="commune", payment_days=90)) == 30
    assert payment_days(made(kind="a kind of later")) == 30


def test_the_kinds_of_the_published_lists_are_all_known() -> None:
    assert {structure.kind for structure in demo_directory().structures} <= set(KINDS)


def test_a_tenant_that_is_not_active_is_suspended() -> None:
    assert (tenant().status, tenant(active=False).status) == ("active", "suspended")
