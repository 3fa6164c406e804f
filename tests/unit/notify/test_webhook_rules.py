"""What a receiver is told, how long it is tried, and what signs."""

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from contracts.envelope import encode
from services.notify import webhook_rules as rules
from services.notify.webhook_rules import Known, Patience, circuit, public, step, window
from services.notify.webhook_signing import CannotUnseal, Seal, new_secret, signed_headers
from tests.unit.notify.samples import NOON, changed, draft, refused

PATIENCE = Patience(limit=3 * 86400, base=2, ceiling=3600, circuit_failures=5, circuit_base=5, circuit_ceiling=600)
ID = UUID("5b0f7a52-3a0e-5d6e-9f0e-000000000001")


def known(data: object, identity: UUID = ID) -> Known:
    return Known(id=identity, type=data.TYPE, subject="s", time=NOON, data=encode(data).decode())  # type: ignore[attr-defined,arg-type]


def test_every_event_type_has_its_public_fields_and_its_filters() -> None:
    assert set(rules.PUBLIC) == set(rules.EVENT_TYPES)
    for data in (changed(), draft(), refused()):
        assert rules.kept(data) is not None
        assert public(known(data), "supplier")["data"]


def test_an_event_leaves_in_the_form_of_cloudevents_and_always_as_the_same_bytes() -> None:
    event = public(known(changed("REJETEE", 7)), "supplier")
    assert {k: event[k] for k in ("specversion", "id", "type", "time", "subject")} == {
        "specversion": "1.0",
        "id": str(ID),
        "type": "fr.chorale.status.changed.v1",
        "time": "2026-03-02T12:00:00Z",
        "subject": "s",
    }
    assert event["data"]["status_label"] == "Rejetée"
    assert event["data"]["payable"] == "1234.50"
    assert json.dumps(event) == json.dumps(public(known(changed("REJETEE", 7)), "supplier"))


def test_a_supplier_is_told_neither_the_status_before_nor_the_tenant_and_nobody_is_told_an_address() -> None:
    hidden = {"status_from", "tenant", "visibility"}
    assert not hidden & set(public(known(changed()), "supplier")["data"])
    assert hidden <= set(public(known(changed()), "body")["data"])
    for data in (draft(), refused()):
        assert "contact" not in public(known(data), "supplier")["data"]


def test_a_failure_waits_longer_each_time_with_jitter_and_ends_after_three_days() -> None:
    early = [step(PATIENCE, "refused", failures=n, age=timedelta(), jitter=1).wait for n in range(1, 14)]
    assert early == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
    assert step(PATIENCE, "refused", failures=1, age=timedelta(), jitter=0).wait == 1
    assert step(PATIENCE, "timeout", failures=99, age=timedelta(days=2, hours=23), jitter=0).state == "waiting"
    assert step(PATIENCE, "timeout", failures=99, age=timedelta(days=3), jitter=0).state == "given_up"
    assert step(PATIENCE, "delivered", failures=99, age=timedelta(days=4), jitter=0).state == "delivered"


def test_a_receiver_may_ask_for_more_time_but_not_for_ever() -> None:
    assert step(PATIENCE, "refused", failures=1, age=timedelta(), jitter=1, asked=120).wait == 120
    assert step(PATIENCE, "refused", failures=1, age=timedelta(), jitter=1, asked=999_999).wait == 3600


def test_a_circuit_opens_after_five_failures_in_a_row_and_for_longer_each_time() -> None:
    assert [circuit(PATIENCE, n, 1) for n in (0, 4, 5, 6, 7, 40)] == [None, None, 5, 10, 20, 600]


def test_calls_that_fail_together_open_the_circuit_and_no_more() -> None:
    assert rules.counted_on(PATIENCE, 0, 32, still_open=False) == 5
    assert rules.counted_on(PATIENCE, 3, 1, still_open=False) == 4
    assert rules.counted_on(PATIENCE, 5, 27, still_open=True) == 5  # what was under way when it opened
    assert rules.counted_on(PATIENCE, 5, 1, still_open=False) == 6  # the one that tried


def test_a_window_doubles_while_all_is_well_and_closes_at_a_failure() -> None:
    assert [window(n, 32, went_well=True) for n in (1, 2, 16, 32)] == [2, 4, 32, 32]
    assert window(32, 32, went_well=False) == 1


@given(st.binary(max_size=500))
def test_every_signature_is_what_the_specification_s_library_expects(body: bytes) -> None:
    now, secret = datetime.now(UTC), new_secret("hmac")
    text = json.dumps({"body": base64.b64encode(body).decode()})
    headers = signed_headers([secret], ID, now, text.encode())
    assert headers["webhook-signature"] == Webhook(secret.shown).sign(str(ID), now, text)
    Webhook(secret.shown).verify(text, headers)


def test_an_ed25519_signature_is_checked_with_the_public_key_alone() -> None:
    secret, other = new_secret("ed25519"), new_secret("ed25519")
    headers = signed_headers([secret], ID, NOON, b"{}")
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1a"
    content = f"{ID}.{int(NOON.timestamp())}.{{}}".encode()

    def check(key: str) -> None:
        raw = base64.b64decode(key.removeprefix("whpk_"))
        Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(signature), content)

    check(secret.shown)
    with pytest.raises(InvalidSignature):
        check(other.shown)


def test_a_sealed_secret_opens_with_its_key_in_its_own_row_only() -> None:
    old, new, row = "k" * 32, "n" * 32, uuid4()
    secret = new_secret("hmac")
    sealed = Seal([old]).close(secret, row)
    assert secret.content not in sealed
    assert Seal([new, old]).open("hmac", sealed, row) == secret
    with pytest.raises(CannotUnseal, match="older one"):
        Seal([new]).open("hmac", sealed, row)
    with pytest.raises(CannotUnseal, match="row"):
        Seal([old]).open("hmac", sealed, uuid4())
    assert str(secret) == repr(secret) == "Secret(hmac)"
