"""What routing decides and publishes."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from contracts.events import InvoiceRouted, InvoiceUnroutable
from invoice.directory import Service
from services.routing.domain import (
    cause_id,
    differences,
    entry_key,
    in_its_world,
    outcome_event,
    paris_day,
    partition_key,
    route,
    search_text,
)
from tests.unit.routing.samples import BODIES, OTHER, SCHOOL, SERVICES, STRUCTURE, TENANT, TOWN, UNKNOWN, submitted

NOW = datetime(2026, 5, 4, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 6, 30, 22, 0, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_the_legal_day_changes_at_midnight_in_paris_in_summer_and_in_winter(instant: datetime, day: date) -> None:
    assert paris_day(instant) == day


def test_an_invoice_for_an_open_service_is_routed_with_the_spelling_of_the_body() -> None:
    routing = route(submitted(service_code="voirie  2"), BODIES, 7)
    event = outcome_event(routing, 1, NOW)
    assert isinstance(event, InvoiceRouted)
    assert (event.structure_siret, event.service_code, event.service_label) == (TOWN, "Voirie 2", "Voirie")
    assert event.structure_name == "Département d'essai – Budget Principal"
    assert (event.tenant, event.directory_version, event.attempt, event.decided_at) == ("cd99", 7, 1, NOW)


def test_the_day_of_submission_in_paris_decides_whether_a_service_has_ended() -> None:
    last_minute = submitted(service_code="Voirie 2", submitted_at=datetime(2026, 6, 30, 21, 59, tzinfo=UTC))
    too_late = submitted(service_code="Voirie 2", submitted_at=datetime(2026, 6, 30, 22, 0, tzinfo=UTC))
    assert route(last_minute, BODIES, 1).decision.outcome == "routed"
    assert route(too_late, BODIES, 1).decision.outcome == "unroutable"


def test_an_unroutable_invoice_says_every_rule_and_the_tenant_where_there_is_one() -> None:
    event = outcome_event(route(submitted(service_code="FERME"), BODIES, 3), 1, NOW)
    assert isinstance(event, InvoiceUnroutable)
    assert event.tenant == "cd99"
    assert {f.code: f.level for f in event.findings}["SERVICE_INACTIVE"] == "refuse"
    assert {"DEST_KNOWN", "DEST_ACTIVE", "TENANT_ACTIVE"} <= {f.code for f in event.findings}


def test_a_trial_never_reaches_a_real_body_nor_a_real_invoice_the_sandbox() -> None:
    real = route(submitted(service_code="Voirie 2"), BODIES, 3)
    assert in_its_world(real, "cd99") is in_its_world(real, None) is real
    crossed = in_its_world(real, "essai-cd99")
    assert (crossed.decision.outcome, crossed.tenant) == ("unroutable", None)
    assert crossed.decision.findings[-1].code == "SANDBOX_CROSSED"
    assert isinstance(outcome_event(crossed, 1, NOW), InvoiceUnroutable)
    tried = msgspec.structs.replace(real, tenant="essai-cd99")
    assert in_its_world(tried, "essai-cd99") is tried
    assert in_its_world(tried, "cd99").decision.outcome == "unroutable"


def test_an_unknown_recipient_belongs_to_no_tenant() -> None:
    routing = route(submitted(recipient_siret=UNKNOWN), BODIES, 3)
    assert (routing.decision.outcome, routing.tenant) == ("unroutable", None)
    assert "DEST_INC" in {f.code for f in routing.decision.findings}


def test_the_service_between_public_structures_is_open_to_a_supplier_of_the_directory_only() -> None:
    reserved = Service(siret=TOWN, code="FACTURES_PUBLIQUES", label="Factures publiques")
    body = BODIES[TOWN]
    assert body is not None
    bodies = {**BODIES, TOWN: msgspec.structs.replace(body, services={"FACTURES_PUBLIQUES": reserved})}
    public = submitted(supplier_siret=SCHOOL, service_code="FACTURES_PUBLIQUES")
    private = submitted(service_code="FACTURES_PUBLIQUES")
    assert route(public, bodies, 1).decision.outcome == "routed"
    assert route(private, bodies, 1).decision.outcome == "unroutable"


def test_an_entry_and_its_structure_share_a_partition() -> None:
    assert entry_key(SERVICES[1]) == f"service:{TOWN}/VOIRIE2"
    assert entry_key(STRUCTURE) == f"structure:{TOWN}"
    assert entry_key(TENANT) == "tenant:cd99"
    assert partition_key(SERVICES[1]) == partition_key(STRUCTURE) == TOWN
    assert partition_key(TENANT) == "cd99"


def test_the_difference_of_two_entries_names_the_fields() -> None:
    renamed = msgspec.structs.replace(OTHER, name="Régie scolaire", active=False)
    assert [(c.field, c.before, c.after) for c in differences(OTHER, renamed)] == [
        ("name", "Régie des écoles", "Régie scolaire"),
        ("active", None, False),
    ]
    assert differences(OTHER, OTHER) == ()
    assert {c.field for c in differences(None, OTHER)} == {"siret", "name", "tenant", "kind"}


def test_a_version_of_an_entry_has_one_cause() -> None:
    assert cause_id(STRUCTURE, 4) == cause_id(STRUCTURE, 4)
    assert len({cause_id(STRUCTURE, 4), cause_id(STRUCTURE, 5), cause_id(OTHER, 4)}) == 3


def test_the_search_knows_no_accents_and_no_case() -> None:
    assert search_text("  Département  de  l'Hérault ") == "departement de l'herault"
