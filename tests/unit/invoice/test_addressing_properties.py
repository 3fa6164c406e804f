"""Whatever stands in the directory and on the invoice, a decision is made and agrees with its findings."""

from datetime import date
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from invoice.addressing import Address, Around, Decision, decide, index_services
from invoice.directory import Engagement, NumberFormat, RuleOverride, Service, Structure, Tenant
from invoice.findings import refusals
from invoice.messages import CODES
from invoice.rules_table import RULE_OF, RULES, changeable, operator_sentence
from invoice.suggestions import Facts, suggest
from tests.contracts.strategies import structs
from tests.unit.invoice.sample import GERS, GERS_REGIE, SUPPLIER, pure

texts = st.none() | st.sampled_from(["A", "a ", "E1234", "e 1234", "FACTURES_PUBLIQUES"]) | st.text(max_size=30)
days = st.dates(date(2020, 1, 1), date(2030, 1, 1))
overrides = st.lists(
    st.builds(RuleOverride, code=st.sampled_from(sorted(RULE_OF)), level=st.sampled_from(["warn", "refuse"])),
    max_size=3,
).map(tuple)
masks = st.lists(
    st.builds(NumberFormat, regex=st.sampled_from([r"E\d{4}", "(", "(a+)+"]) | st.text(max_size=20), mask=st.text()),
    max_size=2,
).map(tuple)


def entry(struct: type[Any], **fields: Any) -> st.SearchStrategy[Any]:
    """Any entry that the contracts let through, some of its fields given."""
    drawn = st.fixed_dictionaries(fields)
    return st.builds(lambda made, given: msgspec.structs.replace(made, **given), structs(struct), drawn)


structures = entry(Structure, siret=st.just(GERS), levels=overrides, engagement_formats=masks, active=st.just(True))
services = st.lists(
    entry(Service, siret=st.just(GERS), code=st.sampled_from(["A", "B"]) | st.text(max_size=5)), max_size=4
)
engagements = entry(Engagement, siret=st.sampled_from([GERS, GERS_REGIE]), number=st.just("E1234"))
siblings = entry(Structure, siret=st.just(GERS_REGIE))
around = st.none() | st.builds(
    lambda found, sibling, service: Around.of(
        GERS, engagements=found, services=service, structures={GERS_REGIE: sibling}
    ),
    st.lists(engagements, max_size=2),
    siblings,
    st.lists(entry(Service, siret=st.just(GERS_REGIE), code=st.just("a")), max_size=1),
)
addresses = st.builds(
    Address,
    recipient_siret=st.just(GERS),
    service_code=texts,
    engagement=texts,
    contract=texts,
    supplier_is_public=st.booleans(),
    supplier=st.sampled_from([None, "", SUPPLIER]),
)


@pure
@given(addresses, structures, services, around, st.none() | structs(Tenant), days)
def test_a_decision_is_always_made_and_agrees_with_its_findings(
    address: Address,
    structure: Structure,
    offered: list[Service],
    known: Around | None,
    tenant: Tenant | None,
    on: date,
) -> None:
    index = index_services(offered)
    decision = decide(address, structure, index, on, tenant=tenant, around=known)
    codes = [found.code for found in decision.findings]
    assert (decision.outcome == "unroutable") == bool(refusals(decision.findings))
    assert len(codes) == len(set(codes))
    assert {outcome.rule for outcome in decision.rules} == set(RULES)
    for found in decision.findings:
        assert found.level == CODES[found.code].level or found.level in changeable(found.code)
        assert operator_sentence(found)
        assert found.action or found.level in ("ok", "info")
    assert msgspec.json.decode(msgspec.json.encode(decision), type=Decision) == decision
    assert decide(address, structure, dict(index), on, tenant=tenant, around=known) == decision


@pure
@given(addresses, structures, services, around, st.lists(engagements, max_size=3), days, st.text(max_size=50))
def test_a_suggestion_is_made_or_not_and_names_only_what_is_open_and_one_s_own(
    address: Address,
    structure: Structure,
    offered: list[Service],
    known: Around | None,
    orders: list[Engagement],
    on: date,
    page: str,
) -> None:
    index = index_services(offered)
    facts = Facts.of([structure], {GERS: index}, orders)
    decision = decide(address, structure, index, on, around=known)
    found = suggest(address, decision.findings, on, facts, around=known, texts=(page,))
    assert [f.code for f in found] == [f.code for f in decision.findings]
    assert [f.level for f in found] == [f.level for f in decision.findings]
    codes = {service.code for service in index.values() if service.active}
    assert {s.value for f in found for s in f.suggestions if s.field == "service_code"} <= codes


@pure
@given(st.text(max_size=30), days)
def test_a_siret_that_nobody_has_is_decided_too(written: str, on: date) -> None:
    decision = decide(Address(recipient_siret=written), None, {}, on, around=Around())
    assert decision.outcome == "unroutable"
    assert suggest(Address(recipient_siret=written), decision.findings, on, Facts()) == decision.findings
