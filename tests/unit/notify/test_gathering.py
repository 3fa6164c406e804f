"""When mail waits, what a choice may change, and what a bounce says."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.inbox_faults import Faults, Rule
from invoice.lifecycle import STATUSES
from services.notify import tokens
from services.notify.domain import PARIS, Gathering, Message
from services.notify.gathering import Limits, Window, allowed, monday, next_digest, places
from services.notify.matrix import MATRIX, RULES, TAKES_OVER, Cadence, cadence, rule_of, side_of
from services.notify.returned import Report, addressed_to, read
from tests.unit.notify.samples import NOON, changed
from tests.unit.notify.test_domain import written

LIMITS = Limits(notices_a_minute=2, optional_an_hour=1)
CHOICES: list[Cadence] = ["at_once", "daily", "weekly", "off"]


def test_the_five_mandatory_kinds_are_those_that_nobody_can_switch_off() -> None:
    """decisions.md 13: mise à disposition to the body, suspension, rejection, return for recycling, deposit refused.

    The refused deposits of one flow are one notice, as mandatory as each of them."""
    assert {rule.name for rule in MATRIX if rule.legal} == {
        "MISE_A_DISPOSITION/body",
        "SUSPENDUE/supplier",
        "REJETEE/supplier",
        "A_RECYCLER/supplier",
        "DEPOSIT_REFUSED/supplier",
        "FLOW_REFUSED/supplier",
        "FLOW_PARTIAL/supplier",
    }
    assert [rule.name for rule in TAKES_OVER.values()] == ["MISE_A_DISPOSITION/administrator"]


def test_what_a_status_brings_is_a_status() -> None:
    assert {kind for kind, rules in RULES.items() if rules[0].needs == "status"} <= set(STATUSES)


@pytest.mark.parametrize("rule", MATRIX, ids=lambda rule: rule.name)
@pytest.mark.parametrize("chosen", CHOICES)
def test_a_choice_changes_what_is_optional_and_nothing_else(rule: object, chosen: Cadence) -> None:
    assert hasattr(rule, "kind")
    found = rule_of(rule.kind, rule.audience)  # type: ignore[attr-defined]
    for choices in ({found.kind: chosen}, {"*": chosen}):
        got = cadence(found, choices)
        if not found.optional:
            assert got == "at_once"
        elif found.kind in choices:
            assert got == chosen
        else:
            assert CHOICES.index(got) == max(CHOICES.index(chosen), CHOICES.index(found.cadence))


def test_who_stands_on_the_body_s_side() -> None:
    assert [side_of(a) for a in ("body", "administrator", "moa")] == ["body"] * 3
    assert [side_of(a) for a in ("supplier", "validator", "moe", "person")] == ["supplier"] * 4


@given(before=st.integers(0, 30), wanted=st.integers(0, 30), limit=st.integers(0, 30))
def test_a_window_lets_through_what_is_left_of_its_limit(before: int, wanted: int, limit: int) -> None:
    assert allowed(Window(NOON, before + wanted), wanted, limit) == max(0, min(wanted, limit - before))


def messages(count: int) -> list[Message]:
    return [one for n in range(count) for one in written(changed(entry=n + 2), ["s@x.example"], ["b@x.example"])]


def test_the_first_leave_at_once_the_rest_wait_a_minute_and_digests_for_the_morning() -> None:
    wanted: list[tuple[Message, Cadence]] = [(m, m.cadence) for m in messages(4)]
    windows: dict[tuple[str, Gathering], Window] = {("b@x.example", "notice"): Window(NOON, 4)}
    found = places(wanted, windows, NOON, LIMITS)
    body = [place for (m, _), place in zip(wanted, found, strict=True) if m.audience == "body"]
    supplier = [place for (m, _), place in zip(wanted, found, strict=True) if m.audience == "supplier"]
    assert [place.gathering for place in body] == [None, None, "notice", "notice"]
    assert {place.due_at for place in body[2:]} == {NOON + timedelta(seconds=60)}
    assert {(place.gathering, place.due_at) for place in supplier} == {("daily", datetime(2026, 3, 3, 7, tzinfo=PARIS))}


def test_a_flood_ends_with_its_hour() -> None:
    opened = NOON - timedelta(minutes=20)
    [made] = written(changed("MISE_EN_PAIEMENT"), ["s@x.example"])
    windows: dict[tuple[str, Gathering], Window] = {("s@x.example", "flood"): Window(opened, 2)}
    [place] = places([(made, "at_once")], windows, NOON, LIMITS)
    assert (place.gathering, place.due_at) == ("flood", opened + timedelta(hours=1))


@given(st.integers(0, 3 * 366 * 24 * 60), st.booleans())
def test_a_digest_leaves_at_seven_in_paris_after_now_whatever_the_clocks_do(minutes: int, weekly: bool) -> None:
    now = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = next_digest(now, weekly=weekly)
    local = found.astimezone(PARIS)
    assert (local.hour, local.minute) == (7, 0)
    assert now < found <= now + timedelta(days=7 if weekly else 1, hours=2)
    assert not weekly or local.weekday() == 0
    assert datetime.fromisoformat(monday(now)).weekday() == 0


@pytest.mark.parametrize(
    ("action", "status", "dead"),
    [
        ("failed", "5.1.1", True),
        ("failed", "5.2.1", True),
        ("failed", "5.2.2", False),
        ("failed", "5.7.1", False),
        ("failed", "5.1.7", False),
        ("failed", "5.1.8", False),
        ("failed", "5.1.10", True),
        ("failed", "5.2.3", False),
        ("failed", "5.4.4", False),
        ("failed", "4.2.2", False),
        ("delayed", "5.1.1", False),
    ],
)
def test_only_an_address_that_does_not_exist_is_dead(action: str, status: str, dead: bool) -> None:
    assert Report(action=action, status=status, diagnostic="").dead is dead  # type: ignore[arg-type]


@given(st.binary(max_size=2000))
def test_whatever_is_handed_in_as_a_bounce_is_read_or_left(raw: bytes) -> None:
    for content in (raw, b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/"
                    b"delivery-status\r\n\r\n" + raw):  # fmt: skip
        found = read(content)
        assert found is None or found.status[0] in "245"
        assert isinstance(addressed_to(content, None), list)


@given(st.text(max_size=80))
def test_no_address_that_we_did_not_sign_names_a_message(text: str) -> None:
    message = uuid4()
    address = tokens.return_address("a secret", "retours@c.example", message)
    assert tokens.returned("a secret", address) == message
    assert tokens.returned("a secret", address.upper()) == message
    for forged in (text, f"retours+{text}@c.example", address.replace(message.hex[:4], "0000", 1)):
        if forged != address:
            with pytest.raises(tokens.InvalidToken):
                tokens.returned("a secret", forged)


@given(st.lists(st.text(max_size=40), max_size=4), st.text(max_size=60))
def test_a_token_gives_its_words_back_to_its_purpose_alone(words: list[str], other: str) -> None:
    token = tokens.sign("a secret", "unsubscribe", *words)
    assert tokens.read("a secret", "unsubscribe", token) == tuple(words)
    for secret, purpose, given_token in (
        ("another", "unsubscribe", token),
        ("a secret", "contact", token),
        ("a secret", "unsubscribe", other),
        ("a secret", "unsubscribe", token[:-2]),
    ):
        with pytest.raises(tokens.InvalidToken):
            tokens.read(secret, purpose, given_token)  # type: ignore[arg-type]


def test_a_greylisted_address_is_taken_once_it_has_waited() -> None:
    now = 0.0
    faults = Faults(clock=lambda: now)
    faults.rules = [Rule.read({"to": "*@g.example", "fault": "greylist", "seconds": 5})]
    assert (faults.at_recipient("a@g.example") or "").startswith("450")
    now = 5.0
    assert faults.at_recipient("a@g.example") is None
    assert (faults.at_recipient("b@g.example") or "").startswith("450")
    assert faults.at_recipient("a@elsewhere.example") is None
