"""What becomes of a deposit, from its reading and the directory."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.events import ReadField
from invoice.cadres import Given
from invoice.findings import Finding
from invoice.messages import finding
from services.ingest import domain
from services.ingest.domain import LABELS, ON_READING, Candidate, Directory, State, Verdict
from tests.unit.ingest.samples import (
    OTHER_SUPPLIER,
    RECIPIENT,
    SERVICE,
    STRICT,
    STRICT_RECIPIENT,
    STRUCTURE,
    SUPPLIER,
    TENANT,
    deposit,
    fields,
    read,
)

DIRECTORY = Directory(
    structures={RECIPIENT: STRUCTURE, STRICT_RECIPIENT: STRICT},
    services={STRICT_RECIPIENT: {"DRH": SERVICE}},
    tenants={"cd06": TENANT},
)


def decide(found: tuple[ReadField, ...], directory: Directory = DIRECTORY, **of_deposit: Any) -> Verdict:
    """The verdict on a reading as if it were alone."""
    of = deposit(**of_deposit)
    first = domain.of_reading(read(b"%PDF-", found), of.structures)
    return domain.judge(first, of, directory) if isinstance(first, Candidate) else first


def codes(findings: tuple[Finding, ...]) -> set[str]:
    return {found.code for found in findings}


def test_every_state_has_a_french_label_and_an_answer_to_a_reading() -> None:
    assert set(LABELS) == set(ON_READING) == set(State)
    assert LABELS == {
        State.RECEIVED: "Reçu",
        State.TO_VERIFY: "À vérifier",
        State.SUBMITTED: "Déposée",
        State.REFUSED: "Refusé",
        State.DUPLICATE: "Doublon",
    }


def test_only_a_received_deposit_is_decided_by_a_reading() -> None:
    assert [state for state, effect in ON_READING.items() if effect == "apply"] == [State.RECEIVED]
    assert ON_READING[State.DUPLICATE] == "forbidden"


def test_a_sure_and_correct_invoice_is_submitted_with_its_tenant() -> None:
    verdict = decide(fields())
    assert verdict.state is State.SUBMITTED
    assert verdict.header is not None
    assert verdict.header.invoice_number == verdict.invoice_number == "F2025-001"
    assert verdict.tenant == "cd06"
    assert not any(found.level in ("ok", "refuse") for found in verdict.findings)


def test_a_total_without_a_net_is_not_taken_for_it() -> None:
    verdict = decide(fields(without=("payable",)))
    assert verdict.state is State.TO_VERIFY
    assert codes(verdict.findings) & {"PAYABLE_UNCLEAR", "PAYABLE_FROM_TOTAL"} == {"PAYABLE_UNCLEAR"}


@pytest.mark.parametrize("name", ["invoice_number", "issue_date", "recipient_siret", "total_excl_tax", "tax"])
def test_a_mandatory_field_that_is_unsure_or_missing_waits_for_a_person(name: str) -> None:
    for found in (fields(unsure=(name,)), fields(without=(name,))):
        verdict = decide(found)
        assert verdict.state is State.TO_VERIFY
        assert verdict.header is None
        assert name in {reason.field for reason in verdict.reasons}


def test_sums_that_disagree_wait_for_a_person() -> None:
    verdict = decide(fields(total_incl_tax="121.00", payable="121.00"))
    assert verdict.state is State.TO_VERIFY
    assert "SUMS_DISAGREE" in codes(verdict.reasons)


def test_a_supplier_who_is_not_the_depositor_waits_for_a_person_and_is_never_refused() -> None:
    for directory in (DIRECTORY, Directory()):
        verdict = decide(fields(supplier_siret=OTHER_SUPPLIER), directory)
        assert verdict.state is State.TO_VERIFY
        assert "SUPPLIER_NOT_YOURS" in codes(verdict.reasons)
        assert all(found.level != "refuse" for found in verdict.findings)


def test_a_recipient_that_the_directory_does_not_know_is_refused_with_its_number_kept_in_words() -> None:
    verdict = decide(fields(), Directory())
    assert verdict.state is State.REFUSED
    assert codes(verdict.reasons) == {"DEST_INC"}
    assert verdict.invoice_number == "F2025-001"
    assert verdict.header is None


def test_a_demanded_service_that_is_missing_is_refused_and_one_that_is_given_passes() -> None:
    refused = decide(fields(recipient_siret=STRICT_RECIPIENT))
    assert refused.state is State.REFUSED
    assert all(found.field == "service_code" and found.action for found in refused.reasons)
    assert decide(fields(recipient_siret=STRICT_RECIPIENT, service_code="drh")).state is State.SUBMITTED


def test_a_ministry_as_recipient_is_refused_in_those_words() -> None:
    state = msgspec.structs.replace(fields()[0], name="recipient_state", value="Ministère")
    verdict = decide((*fields(without=("recipient_siret",)), state))
    assert verdict.state is State.REFUSED
    assert codes(verdict.reasons) == {"DEST_STATE"}


def warning(code: str, level: Any = "warn", field: str | None = None) -> Finding:
    return Finding(code=code, level=level, message="…", field=field)


@pytest.mark.parametrize(
    "found",
    [
        warning("PAGE_AMOUNT_DIFFERS", field="tax"),
        warning("PAGE_SIRET_DIFFERS", field="recipient_siret"),
        warning("PAGE_NUMBER_DIFFERS", field="invoice_number"),
        warning("PAGE_TYPE_DIFFERS", field="type_code"),
        warning("TOO_MANY_FILES"),
        warning("DATA_FILE_REFUSED"),
        warning("DATA_FILES_DIFFER", field="payable"),
        warning("DATA_TYPE_NOT_SERVED", field="type_code"),
    ],
)
def test_amounts_that_differ_and_data_in_doubt_are_never_submitted_in_silence(found: Finding) -> None:
    first = domain.of_reading(read(b"%PDF-", fields(), source="facturx", warnings=(found,)), (SUPPLIER,))
    assert isinstance(first, Verdict)
    assert first.state is State.TO_VERIFY
    assert found in first.reasons
    assert first.invoice_number == "F2025-001"


@pytest.mark.parametrize(
    "found",
    [
        warning("PAGE_IBAN_DIFFERS", field="supplier_iban"),
        warning("SERVICE_CODES_DIFFER", field="service_code"),
        warning("SIGNATURE_ALTERED"),
        warning("DATA_MALFORMED", field="due_date"),
        warning("DATA_ONE_OF_MANY", level="info", field="supplier_iban"),
    ],
)
def test_other_remarks_are_told_and_hold_nothing_up(found: Finding) -> None:
    of = deposit()
    first = domain.of_reading(read(b"%PDF-", fields(), source="facturx", warnings=(found,)), of.structures)
    assert isinstance(first, Candidate)
    verdict = domain.judge(first, of, DIRECTORY)
    assert verdict.state is State.SUBMITTED
    assert found in verdict.findings
    assert (found in verdict.warnings) == (found.level == "warn")


def test_what_was_remarked_on_an_empty_reading_is_told_with_it() -> None:
    why, remark = warning("SCAN_ONLY", level="info"), warning("DATA_FILE_REFUSED")
    verdict = domain.of_reading(read(b"%PDF-", (), empty=why, warnings=(remark,)), (SUPPLIER,))
    assert isinstance(verdict, Verdict)
    assert verdict.findings == (why, remark)


@pytest.mark.parametrize(
    ("cadre", "code"),
    [("A9_FACTURE_SOUSTRAITANT", "VALIDATOR_MISSING"), ("A3", "CADRE_NOT_SERVED"), ("S5", "CADRE_FORBIDDEN")],
)
def test_a_cadre_that_is_not_served_or_lacks_its_validator_refuses_the_deposit(cadre: str, code: str) -> None:
    verdict = decide(fields(cadre=cadre))
    assert verdict.state is State.REFUSED
    assert codes(verdict.reasons) == {code}


def test_an_invoice_already_paid_is_submitted_as_such() -> None:
    verdict = decide(fields(cadre="A2_FACTURE_FOURNISSEUR_DEJA_PAYEE", payable="0.00", prepaid="120.00"))
    assert verdict.state is State.SUBMITTED
    assert verdict.header is not None
    assert verdict.header.cadre == "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE"


def test_a_scan_is_an_empty_draft_with_its_reason() -> None:
    why = Finding(code="SCAN_ONLY", level="info", message="Une image sans texte.")
    verdict = domain.of_reading(read(b"%PDF-", (), empty=why), (SUPPLIER,))
    assert isinstance(verdict, Verdict)
    assert verdict.state is State.TO_VERIFY
    assert verdict.reasons == (why,)


def test_what_cannot_be_opened_is_refused() -> None:
    reason = Finding(code="PDF_ENCRYPTED", level="refuse", message="Le document est chiffré.")
    verdict = domain.of_unreadable([reason])
    assert (verdict.state, verdict.reasons) == (State.REFUSED, (reason,))


def test_the_day_of_deposit_is_the_one_in_paris() -> None:
    tomorrow_in_paris = datetime(2025, 11, 5, 23, 30, tzinfo=UTC)
    dated = fields(issue_date="2025-11-06")
    assert decide(dated, received_at=tomorrow_in_paris).state is State.SUBMITTED
    early = decide(dated, received_at=tomorrow_in_paris - timedelta(hours=1))
    assert codes(early.reasons) == {"DATE_FUTURE"}


def test_of_two_deposits_with_one_number_the_first_received_asks_for_it() -> None:
    first, second = deposit(id=UUID(int=2)), deposit(id=UUID(int=1), received_at=deposit().received_at + timedelta(1))
    verdict = decide(fields())
    for order in ((first, second), (second, first)):
        wanted = domain.claims({of.id: (of, verdict) for of in order})
        assert list(wanted.values()) == [first.id]


def test_two_numbers_written_alike_in_two_years_or_by_two_issuers_do_not_collide() -> None:
    pairs = {}
    for found in (fields(), fields(issue_date="2024-11-03"), fields(supplier_siret=OTHER_SUPPLIER)):
        of = deposit(structures=(SUPPLIER, OTHER_SUPPLIER))
        pairs[of.id] = (of, decide(found, structures=(SUPPLIER, OTHER_SUPPLIER)))
    assert len(domain.claims(pairs)) == 3


def test_a_taken_number_is_refused_by_its_own_code_and_keeps_the_warnings() -> None:
    warning = Finding(code="W", level="warn", message="Attention.")
    accepted = decide(fields())
    refused = domain.refused_number(msgspec.structs.replace(accepted, findings=(warning,)), Given())
    assert refused.state is State.REFUSED
    assert codes(refused.reasons) == {"DOUBLON"}
    assert warning in refused.findings
    assert refused.header is None


def test_reasons_are_never_empty_when_a_deposit_is_refused() -> None:
    note = Finding(code="N", level="info", message="Note.")
    assert domain.of_unreadable([note]).reasons == (note,)
    assert finding("DEST_STATE", value="Ministère").level == "refuse"
