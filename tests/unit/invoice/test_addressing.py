"""The addressing rules, each seen to pass and to fail on the demo directory."""

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice.addressing import Address, Decision, decide
from invoice.directory import Parameters, Service, Tenant
from invoice.findings import refusals
from tests.unit.invoice.sample import (
    ALPES_MARITIMES,
    DAY,
    GERS,
    GERS_CLOSED,
    GERS_WORKS,
    GOOD,
    HAUTE_GARONNE,
    VALDEBLORE,
    bend,
    codes,
    demo_directory,
    made,
    only,
    pure,
    route,
    route_in,
    services_of,
    structure_of,
)


def test_an_invoice_with_its_service_code_is_routed_and_every_rule_is_told() -> None:
    decision = route(ALPES_MARITIMES, service_code="DRIT")
    assert decision.outcome == "routed"
    assert decision.service_code == "DRIT"
    assert decision.service is not None
    assert decision.service.label.startswith("Direction des Routes")
    assert (
        codes(decision.findings, "ok")
        == codes(decision.findings)
        == [
            "DEST_SIRET_VALID",
            "DEST_LOCAL",
            "DEST_KNOWN",
            "DEST_ACTIVE",
            "DEST_ACCEPTS_CADRE",
            "SERVICE_KNOWN",
            "SERVICE_ACTIVE",
            "SERVICE_VALID",
            "ENGAGEMENT_NOT_REQUIRED",
            "MARKET_NOT_REQUIRED",
        ]
    )


@pytest.mark.parametrize("written", ["220 600 019 00016", "220.600.019.00016", "220\u00a0600\u202f019 00016"])
def test_a_siret_with_spaces_finds_its_structure_and_both_forms_are_kept(written: str) -> None:
    found = only(route(written, service_code="DRIT").findings, "DEST_KNOWN")
    assert (found.value, found.normalised) == (written, ALPES_MARITIMES)


@pytest.mark.parametrize(
    ("siret", "why"),
    [("2206000190001", "il y en a 13"), ("22060001900017", "clé de contrôle"), ("", "il y en a 0")],
)
def test_a_siret_that_is_none_is_refused_with_the_reason_and_no_other_rule_is_looked_at(siret: str, why: str) -> None:
    decision = route(siret, service_code="DRIT")
    assert decision.outcome == "unroutable"
    assert codes(decision.findings) == ["DEST_SIRET_INVALID"]
    assert why in decision.findings[0].message
    assert decision.structure is None


def test_an_unknown_siret_is_refused() -> None:
    decision = route("55208131766522", service_code="DRIT")
    assert codes(decision.findings, "refuse") == ["DEST_INC"]
    assert "55208131766522" in only(decision.findings, "DEST_INC").message


def test_the_state_is_refused_in_its_own_words() -> None:
    decision = route("110 002 011 00044")
    assert codes(decision.findings, "refuse") == ["DEST_STATE"]
    assert "portail national" in (only(decision.findings, "DEST_STATE").action or "")


def test_the_state_is_refused_even_if_someone_put_it_into_the_directory() -> None:
    decision = route_in(made(siret="11000201100044"))
    assert codes(decision.findings, "refuse") == ["DEST_STATE"]
    assert decision.structure is None


def test_a_closed_structure_is_refused_and_named() -> None:
    decision = route(GERS_CLOSED, engagement="E1")
    assert codes(decision.findings, "refuse") == ["DEST_INACTIVE"]
    message = only(decision.findings, "DEST_INACTIVE").message
    assert "TEST Ancien budget annexe du Gers" in message
    assert GERS_CLOSED in message


def test_a_tenant_that_has_left_receives_nothing() -> None:
    address = Address(recipient_siret=GERS, engagement="E1")
    for active, outcome, code in ((True, "routed", "TENANT_ACTIVE"), (False, "unroutable", "TENANT_INACTIVE")):
        tenant = Tenant(id="cd32", name="Département du Gers", active=active)
        decision = decide(address, structure_of(GERS), {}, DAY, tenant=tenant)
        assert decision.outcome == outcome
        assert "Département du Gers" in only(decision.findings, code).message


def test_a_works_client_receives_no_simple_invoice() -> None:
    assert codes(route(GERS_WORKS).findings, "refuse") == ["DEST_MOA_ONLY"]


def test_a_missing_service_code_is_refused_where_it_is_required_and_few_codes_are_listed() -> None:
    cinema = "22060001901170"
    found = only(route(cinema).findings, "SERVICE_REQUIRED")
    assert found.level == "refuse"
    assert "Cinema Mercury" in found.message
    assert "Codes acceptés : MERCDCP, MERCDLGP, MERCURY." in (found.action or "")


def test_many_codes_are_not_listed_but_the_nearest_ones_are() -> None:
    assert "les 19 codes acceptés" in (only(route(ALPES_MARITIMES).findings, "SERVICE_REQUIRED").action or "")
    action = only(route(ALPES_MARITIMES, service_code="DRITT").findings, "SERVICE_UNKNOWN").action or ""
    assert "DRIT" in action
    assert "PRESSE" not in action


def test_a_structure_without_services_asks_for_none_and_warns_about_one() -> None:
    assert codes(route(VALDEBLORE).findings, "warn", "refuse") == []
    decision = route(VALDEBLORE, service_code="COMPTA")
    assert decision.outcome == "routed"
    assert codes(decision.findings, "warn") == ["SERVICE_NOT_EXPECTED"]
    assert decision.service_code is None


@pytest.mark.parametrize("written", ["drit", " DRIT ", "D R I T", "Drit\u00a0"])
def test_a_service_code_is_found_in_any_case_and_spacing(written: str) -> None:
    decision = route(ALPES_MARITIMES, service_code=written)
    assert decision.outcome == "routed"
    assert decision.service_code == "DRIT"
    assert only(decision.findings, "SERVICE_KNOWN").value == written


def test_an_unknown_code_is_refused_where_the_body_publishes_its_codes_and_warned_about_where_not() -> None:
    refused = route(ALPES_MARITIMES, service_code="NOWHERE")
    assert codes(refused.findings, "refuse") == ["SERVICE_UNKNOWN"]
    assert "NOWHERE" in only(refused.findings, "SERVICE_UNKNOWN").message
    warned = route(HAUTE_GARONNE, service_code="NOWHERE", engagement="AP2020/1234", contract="19M001")
    assert warned.outcome == "routed"
    assert codes(warned.findings, "warn") == ["SERVICE_UNCHECKED"]
    assert warned.service is None
    assert warned.service_code == "NOWHERE"


def test_a_code_that_is_none_of_the_published_ones_is_refused_even_where_no_code_is_required() -> None:
    known = Service(siret=GERS, code="A", label="Achats")
    assert codes(route_in(made(), (known,), service_code="B").findings, "refuse") == ["SERVICE_UNKNOWN"]
    required = made(Parameters(service_required=True))
    assert codes(route_in(required, service_code="B").findings, "refuse") == ["SERVICE_UNKNOWN"]


@pytest.mark.parametrize(
    ("code", "on", "refused"),
    [
        ("TEST-DSI", DAY, []),
        ("TEST-FERME", DAY, ["SERVICE_INACTIVE"]),
        ("TEST-2019", DAY, ["SERVICE_EXPIRED"]),
        ("TEST-2019", date(2019, 1, 1), []),
        ("TEST-2019", date(2019, 12, 31), []),
        ("TEST-2019", date(2020, 1, 1), ["SERVICE_EXPIRED"]),
        ("TEST-2019", date(2018, 12, 31), ["SERVICE_NOT_YET_VALID"]),
        ("TEST-2090", DAY, ["SERVICE_NOT_YET_VALID"]),
    ],
)
def test_a_service_receives_only_while_it_is_active_and_within_its_days(
    code: str, on: date, refused: list[str]
) -> None:
    decision = route(HAUTE_GARONNE, on=on, service_code=code, engagement="AP2020/1234", contract="19M001")
    assert codes(decision.findings, "refuse") == refused


def test_a_refused_service_is_named_with_its_day_and_the_codes_that_are_open() -> None:
    decision = route(HAUTE_GARONNE, service_code="TEST-2019", engagement="AP2020/1234", contract="19M001")
    found = only(decision.findings, "SERVICE_EXPIRED")
    assert "31 décembre 2019" in found.message
    assert found.action is not None
    assert "TEST-DSI, TEST-ROUTES" in found.action
    for closed in ("TEST-FERME", "TEST-2019", "TEST-2090", "FACTURES_PUBLIQUES"):
        assert closed not in found.action


def test_the_service_of_public_invoices_is_for_public_suppliers_only() -> None:
    written: dict[str, Any] = {"service_code": "factures_publiques", "engagement": "AP2020/1234", "contract": "19M001"}
    assert codes(route(HAUTE_GARONNE, **written).findings, "refuse") == ["SERVICE_RESERVED"]
    assert route(HAUTE_GARONNE, **written, supplier_is_public=True).outcome == "routed"


def test_all_failed_rules_are_told_at_once() -> None:
    structure = made(
        Parameters(service_required=True, engagement_required=True, moa_only=True, market_required="refuse"),
        active=False,
    )
    assert codes(route_in(structure).findings, "refuse") == [
        "DEST_INACTIVE",
        "DEST_MOA_ONLY",
        "SERVICE_REQUIRED",
        "ENGAGEMENT_REQUIRED",
        "MARKET_REQUIRED",
    ]


def test_a_structure_looked_up_for_another_invoice_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="given for an invoice addressed to"):
        decide(Address(recipient_siret=GERS), structure_of(ALPES_MARITIMES), {}, DAY)


def test_the_address_of_an_invoice_treats_blanks_as_not_given() -> None:
    address = Address.of(bend(service_code="  ", engagement="", contract="19M001"))
    assert (address.service_code, address.engagement, address.contract) == (None, None, "19M001")
    assert Address.of(GOOD, supplier_is_public=True).supplier_is_public


texts = (
    st.none()
    | st.sampled_from(["DRIT", "TEST-DSI", "E1", "AP2020/1234", "19M001", "FACTURES_PUBLIQUES"])
    | st.text(max_size=60)
)
known = st.sampled_from([structure.siret for structure in demo_directory().structures])


@pure
@given(known | st.text(max_size=20), texts, texts, texts, st.booleans(), st.dates())
def test_whatever_is_written_the_decision_agrees_with_its_findings(
    siret: str, service: str | None, engagement: str | None, contract: str | None, public: bool, on: date
) -> None:
    header = bend(recipient_siret=siret, service_code=service, engagement=engagement, contract=contract)
    address = Address.of(header, supplier_is_public=public)
    decision = decide(address, structure_of(siret), services_of(siret), on)
    assert (decision.outcome == "unroutable") == bool(refusals(decision.findings))
    assert len(codes(decision.findings)) == len(set(codes(decision.findings)))
    assert all(found.action for found in decision.findings if found.level in ("warn", "refuse"))
    assert decision == decide(address, structure_of(siret), services_of(siret), on)
    assert msgspec.json.decode(msgspec.json.encode(decision), type=Decision) == decision
