"""Who is told of what, and what an answer of the relay means."""

from datetime import timedelta
from importlib import resources
from uuid import uuid4

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import FlowFinished, Payload
from services.notify.domain import (
    Message,
    Policy,
    Stage,
    State,
    Verdict,
    clean_address,
    messages,
    result_of,
    verdict,
)
from services.notify.letters import render
from services.notify.matrix import Audience, rules_of
from services.notify.telling import REMINDERS, told
from tests.unit.notify import samples
from tests.unit.notify.samples import BODY, CONTACT, NOON, REASON, aged, changed, draft, flow, refused, reminded

CAUSE = uuid4()
POLICY = Policy(
    temporary_attempts=3,
    temporary_base=10,
    temporary_ceiling=100,
    technical_limit=3600,
    technical_base=1,
    technical_ceiling=8,
)


def written(data: Payload, supplier: list[str] | None = None, body: list[str] | None = None) -> list[Message]:
    what = told(data)
    assert what is not None
    return messages(what, CAUSE, "invoice-1", None, {"supplier": supplier or [], "body": body or []})


def lane(made: Message) -> tuple[str, bool]:
    return made.lane, made.legal


@pytest.mark.parametrize(
    ("data", "audiences"),
    [
        (changed("MISE_A_DISPOSITION"), ["supplier", "body"]),
        (changed("A_RECYCLER"), ["supplier"]),
        (changed("A_VALIDER_1"), ["supplier", "validator"]),
        (draft(), ["supplier"]),
        (refused(), ["supplier"]),
    ],
)
def test_the_matrix_says_who_is_told(data: Payload, audiences: list[Audience]) -> None:
    what = told(data)
    assert what is not None
    assert [rule.audience for rule in what.rules] == audiences


@pytest.mark.parametrize(
    ("timer", "tells", "kind", "days"),
    [
        ("validation_reminder", ("validator", "supplier"), "VALIDATION_REMINDER", 5),
        ("general_account_tacit", ("supplier", "moa"), "GENERAL_ACCOUNT_TACIT", 10),
        ("suspension_unanswered", ("supplier", "body"), "SUSPENSION_UNANSWERED", 10),
        ("status_unchanged", ("supplier", "body"), "STATUS_UNCHANGED", 10),
        ("payment_due_5", ("body", "supplier"), "DELAY_AT_RISK", 10),
        ("payment_late", ("body", "supplier"), "DELAY_PASSED", 3),
    ],
)
def test_a_timer_reminds_those_whom_it_names(timer: str, tells: tuple[str, ...], kind: str, days: int) -> None:
    what = told(reminded(timer, tells))
    assert what is not None
    assert (what.kind, what.facts.days, what.tenant) == (kind, days, "cd06")
    assert {rule.audience for rule in what.rules} == set(tells)
    only = told(reminded(timer, tells[:1]))
    assert only is not None
    assert [rule.audience for rule in only.rules] == [tells[0]]


def test_every_timer_that_reminds_somebody_has_its_words_and_an_unknown_one_is_told_to_nobody() -> None:
    rows = yaml.safe_load(resources.files("services.status").joinpath("timers.yaml").read_text("utf-8"))
    reminders = {row["kind"]: set(row["tells"]) for row in rows if row["does"] == "remind"}
    assert set(reminders) == set(REMINDERS)
    for timer, tells in reminders.items():
        assert {rule.audience for rule in rules_of(REMINDERS[timer])} == tells
    assert told(reminded("new_timer", ("body",))) is None


def test_the_last_of_the_validators_days_leaves_him_none() -> None:
    what = told(reminded("validation_reminder", ("validator",), at=NOON + timedelta(days=40)))
    assert what is not None
    assert (what.facts.days, what.validator) == (0, 0)


def test_the_body_that_an_invoice_has_left_learns_nothing_of_where_it_goes() -> None:
    what = told(changed("DEPOSEE", previous_siret="22310001700423", previous_service_code="OLD", tenant="cd06"))
    assert what is not None
    assert (what.kind, what.tenant, what.facts.recipient_siret, what.facts.service_code) == (
        "RECYCLEE",
        None,
        "22310001700423",
        "OLD",
    )
    assert what.facts.recipient_name is None


def test_what_the_body_alone_may_see_is_told_to_nobody_else() -> None:
    what = told(changed("MISE_A_DISPOSITION", visibility="body"))
    assert what is not None
    assert [rule.audience for rule in what.rules] == ["body"]
    assert told(changed("MANDATEE", visibility="body")) is None


@pytest.mark.parametrize(("status", "turn"), [("A_VALIDER_1", 0), ("A_VALIDER_2", 1), ("SUSPENDUE", None)])
def test_a_status_names_the_valideur_whose_turn_it_is(status: str, turn: int | None) -> None:
    what = told(changed(status))
    assert what is not None
    assert what.validator == turn


def test_a_mandatory_notice_and_bulk_mail_of_one_tenant_never_share_a_lane() -> None:
    legal, optional = written(changed(), ["s@x.example"], ["b@x.example"])[::-1]
    assert lane(legal) == ("cd06", True)
    assert lane(optional) == ("cd06/optional", False)
    [deposit] = written(refused(), ["s@x.example"])
    assert deposit.lane.startswith("~")


def test_each_address_is_written_to_once_per_audience() -> None:
    made = written(changed(), [CONTACT], ["a@b.example", "c@d.example", "a@B.example", CONTACT])
    assert [(m.audience, m.address) for m in made] == [
        ("supplier", CONTACT),
        ("body", "a@b.example"),
        ("body", "c@d.example"),
        ("body", CONTACT),
    ]
    assert len({m.id for m in made}) == 4


def test_the_same_event_makes_the_same_messages_again() -> None:
    first, again = (written(changed(), [CONTACT], ["a@b.example"]) for _ in range(2))
    assert [m.id for m in first] == [m.id for m in again]


@pytest.mark.parametrize("body", [[], ["not an address"], ["x\r\nRCPT TO:<evil@x.example>@b.example"]])
def test_an_audience_without_a_usable_address_leaves_a_message_that_says_so(body: list[str]) -> None:
    made = written(changed(), [CONTACT], body)
    assert [(m.audience, m.address) for m in made] == [("supplier", CONTACT), ("body", "")]


def test_a_message_holds_no_more_of_the_invoice_than_it_says() -> None:
    [message] = written(draft(), [CONTACT])
    assert message.facts.file_name == "facture.pdf"
    assert message.facts.reasons == (samples.REASON,)
    assert "user-1" not in repr(message)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" a.b+c@Exemple.FR ", "a.b+c@exemple.fr"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@b", None),
        ("é@b.fr", None),
        ("a b@c.fr", None),
        ("a@b.fr, c@d.fr", None),
        ("<a@b.fr>", None),
        ("a@b.fr\nBcc: x@y.fr", None),
        ("a@b..fr", None),
        ("a@-b.fr", None),
        ("", None),
        ("@b.fr", None),
        ("a" * 65 + "@b.fr", None),
        ("a@" + "b" * 64 + ".fr", None),
        ("a@" + "b." * 130 + "fr", None),
        ("a\0@b.fr", None),
    ],
)
def test_an_address_is_clean_or_none(text: str, address: str | None) -> None:
    assert clean_address(text) == address


@given(st.text())
def test_a_clean_address_can_end_neither_a_command_nor_a_header(text: str) -> None:
    for candidate in (text, f"{text}@b.fr", f"a@{text}"):
        address = clean_address(candidate)
        if address is not None:
            assert address.isascii()
            assert not set(address) & set("\r\n\0<>, ")
            assert clean_address(address) == address


@pytest.mark.parametrize(
    ("stage", "code", "result"),
    [
        ("content", 250, "accepted"),
        ("content", 451, "temporary"),
        ("content", 554, "permanent"),
        ("recipient", 450, "temporary"),
        ("recipient", 550, "permanent"),
        ("sender", 451, "temporary"),
        ("sender", 530, "technical"),
        ("sender", 550, "technical"),
        ("connect", 421, "technical"),
        ("connect", 535, "technical"),
        ("connect", 554, "technical"),
        ("content", 354, "technical"),
        ("recipient", 250, "technical"),
        ("content", 999, "technical"),
    ],
)
def test_only_the_recipient_or_the_content_can_be_refused_for_good(stage: Stage, code: int, result: str) -> None:
    assert result_of(stage, code) == result


@pytest.mark.parametrize(
    ("result", "failures", "hours", "state"),
    [
        ("accepted", 1, 0, "accepted"),
        ("permanent", 1, 0, "permanent"),
        ("temporary", 1, 0, "created"),
        ("temporary", 2, 99, "created"),
        ("temporary", 3, 0, "technical"),
        ("technical", 500, 0.99, "created"),
        ("technical", 1, 1, "technical"),
    ],
)
def test_a_message_ends_or_is_tried_again(result: str, failures: int, hours: float, state: State) -> None:
    found = verdict(POLICY, result, failures=failures, age=timedelta(hours=hours), jitter=0.5)  # type: ignore[arg-type]
    assert found.state == state
    assert (found.wait is None) == (state != "created")


@given(failures=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_waiting_grows_up_to_its_ceiling_and_is_never_the_same_for_all(failures: int, jitter: float) -> None:
    found = verdict(POLICY, "technical", failures=failures, age=timedelta(), jitter=jitter)
    assert found.wait is not None
    longest = min(POLICY.technical_ceiling, POLICY.technical_base * 2 ** min(failures - 1, 20))
    assert longest / 2 <= found.wait <= longest


def test_a_relay_that_answers_nothing_is_tried_for_as_long_as_the_policy_says() -> None:
    assert verdict(POLICY, "technical", failures=10**6, age=timedelta(minutes=59), jitter=1) == Verdict("created", 8)


def test_the_body_that_an_invoice_has_left_is_told_and_learns_nothing_of_the_next() -> None:
    data = changed("DEPOSEE", 5, previous_siret=BODY, previous_service_code="OLD", recipient_siret="22310001700423")
    found = told(data)
    assert found is not None
    assert (found.kind, [rule.audience for rule in found.rules]) == ("RECYCLEE", ["body"])
    assert (found.facts.recipient_siret, found.facts.service_code) == (BODY, "OLD")
    assert "22310001700423" not in str(found.facts)
    assert found.facts.recipient_name is None


@pytest.mark.parametrize(("days", "kind"), [(2, "DRAFT_AGED"), (7, "DRAFT_AGED"), (30, "DRAFT_FORGOTTEN")])
def test_whoever_forgets_a_draft_reads_that_it_is_not_sent(days: int, kind: str) -> None:
    [message] = written(aged(days), [CONTACT])
    assert (message.kind, message.facts.days, message.facts.number) == (kind, days, "F-2026-001")
    letter = render(message.kind, "supplier", message.facts, "d-1", None)
    assert f"depuis {days} jours" in letter.text
    assert "n'est pas envoyé" in letter.text


@pytest.mark.parametrize(
    ("data", "kind", "legal"),
    [
        (flow(integrated=3), "FLOW_FINISHED", False),
        (flow("IN_INTEGRE_PARTIEL", integrated=3, to_verify=1), "FLOW_FINISHED", False),
        (flow("IN_INTEGRE_PARTIEL", integrated=3, rejected=2), "FLOW_PARTIAL", True),
        (flow("IN_REJETE", rejected=2), "FLOW_REFUSED", True),
        (flow("IN_REJETE", (REASON,)), "FLOW_REFUSED", True),
        (flow("IN_REJETE", (msgspec.structs.replace(REASON, code="FLOW_ALREADY_RECEIVED"),)), "FLOW_REPEATED", False),
    ],
)
def test_a_flow_is_one_message_and_mandatory_where_something_is_refused(
    data: FlowFinished, kind: str, legal: bool
) -> None:
    [message] = written(data, [CONTACT])
    assert (message.kind, message.legal) == (kind, legal)


def test_the_message_on_a_flow_says_how_many_and_where_the_report_is() -> None:
    [message] = written(flow("IN_INTEGRE_PARTIEL", integrated=998, to_verify=3, rejected=2), [CONTACT])
    letter = render(message.kind, "supplier", message.facts, "f-1", "https://factures.example")
    assert "2 refusée(s)" in letter.subject
    for said in ("Factures déposées", "998", "non envoyés", "/api/v1/flows/f-1/report.pdf", "example/flux/f-1"):
        assert said in letter.text


def test_what_comes_in_a_flow_is_told_at_its_end_and_not_one_by_one() -> None:
    assert told(draft(flow="f-1")) is None
    assert told(refused(flow="f-1")) is None
