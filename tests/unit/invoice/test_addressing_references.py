"""Engagement and market numbers: demanded, replaced, and compared with a body's masks."""

import pytest

from invoice.directory import NumberFormat, Parameters
from tests.unit.invoice.sample import (
    ALPES_MARITIMES,
    GERS,
    GERS_REGIE,
    HAUTE_GARONNE,
    codes,
    made,
    only,
    route,
    route_in,
)


def test_an_engagement_is_asked_for_by_a_structure_or_by_one_of_its_services() -> None:
    by_structure = route(HAUTE_GARONNE, service_code="TEST-DSI", contract="19M001")
    found = only(by_structure.findings, "ENGAGEMENT_REQUIRED")
    assert found.message.startswith("Département de la Haute-Garonne – Principal (22310001700423)")
    assert "CPaaaa/X-----/n (exemple : CP2020/X123456/1)" in (found.action or "")
    by_service = route(ALPES_MARITIMES, service_code="TEST-EJ")
    assert codes(by_service.findings, "refuse") == ["ENGAGEMENT_REQUIRED"]
    assert "Le service « TEST-EJ »" in only(by_service.findings, "ENGAGEMENT_REQUIRED").message
    assert route(ALPES_MARITIMES, service_code="TEST-EJ", engagement="4500").outcome == "routed"


def test_a_market_number_stands_in_for_the_engagement_only_where_the_body_says_so() -> None:
    assert "ENGAGEMENT_REQUIRED" in codes(route(HAUTE_GARONNE, service_code="TEST-DSI", contract="19M001").findings)
    assert codes(route(GERS_REGIE).findings, "refuse") == ["ENGAGEMENT_REQUIRED"]
    stood_in = route(GERS_REGIE, contract="M-7")
    assert stood_in.outcome == "routed"
    assert "MARKET_REPLACES_ENGAGEMENT" in codes(stood_in.findings, "ok")


def test_the_service_or_the_engagement_is_enough_where_one_of_them_is_asked_for() -> None:
    neither = route(GERS)
    assert codes(neither.findings, "refuse") == ["SERVICE_OR_ENGAGEMENT_REQUIRED"]
    assert "TEST-ACHATS, TEST-COLLEGES" in (only(neither.findings, "SERVICE_OR_ENGAGEMENT_REQUIRED").action or "")
    assert route(GERS, service_code="TEST-ACHATS").outcome == "routed"
    assert route(GERS, engagement="E-12").outcome == "routed"
    assert route(GERS, service_code="TEST-ACHATS", engagement="E-12").outcome == "routed"
    assert route(GERS, contract="M-7").outcome == "unroutable"
    replaced = made(Parameters(service_or_engagement=True, market_replaces_engagement=True))
    assert route_in(replaced, contract="M-7").outcome == "routed"
    assert route_in(replaced).outcome == "unroutable"


@pytest.mark.parametrize(
    ("engagement", "code", "level"),
    [
        ("CP2020/X123456/1", "ENGAGEMENT_FORMAT_MATCHES", "ok"),
        ("CP2020/X12345/1", "ENGAGEMENT_FORMAT_MATCHES", "ok"),
        ("AP2020/1234", "ENGAGEMENT_FORMAT_MATCHES", "ok"),
        ("cp2020/x123456/1", "ENGAGEMENT_SPELLING", "info"),
        ("CP2020 / X123456 / 1", "ENGAGEMENT_SPELLING", "info"),
        ("BC 2020-17", "ENGAGEMENT_FORMAT", "warn"),
        ("CP2020/X123456/1 livraison", "ENGAGEMENT_FORMAT", "warn"),
        ("CP٢٠٢٠/X123456/1", "ENGAGEMENT_FORMAT", "warn"),
    ],
)
def test_the_shape_of_an_engagement_warns_and_never_refuses(engagement: str, code: str, level: str) -> None:
    decision = route(HAUTE_GARONNE, service_code="TEST-DSI", engagement=engagement, contract="19M001")
    assert decision.outcome == "routed"
    found = only(decision.findings, code)
    assert found.level == level
    assert engagement in found.message


def test_the_market_number_has_a_level_per_structure_as_data() -> None:
    expected = route(HAUTE_GARONNE, service_code="TEST-DSI", engagement="AP2020/1234")
    assert expected.outcome == "routed"
    assert codes(expected.findings, "warn") == ["MARKET_EXPECTED"]
    assert codes(route_in(made(Parameters(market_required="refuse"))).findings, "refuse") == ["MARKET_REQUIRED"]
    assert codes(route_in(made(Parameters(market_required="off"))).findings, "warn", "refuse") == []
    wrong = route(HAUTE_GARONNE, service_code="TEST-DSI", engagement="AP2020/1234", contract="marché de 2019")
    assert codes(wrong.findings, "warn", "refuse") == ["MARKET_FORMAT"]
    small = route(HAUTE_GARONNE, service_code="TEST-DSI", engagement="AP2020/1234", contract="19m001")
    assert codes(small.findings, "info", "warn") == ["MARKET_SPELLING"]


def test_a_broken_expression_in_the_directory_warns_and_stops_nothing() -> None:
    structure = made(engagement_formats=(NumberFormat(regex="([", mask="?"),))
    assert codes(route_in(structure, engagement="E1").findings, "warn", "refuse") == ["ENGAGEMENT_FORMAT"]
