"""Relays that fail in every way, that want STARTTLS and a login, that die: and what stays of it in the database."""

import asyncio
import base64
import ipaddress
import sys
from collections.abc import AsyncIterator, Mapping
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import uuid4

import dkim
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.notify.relays import RelayAddress, Relays, parse
from services.notify.throttle import Throttle
from tests.certificates import self_signed
from tests.integration.notify_service import Tables, relay, tables, until, worker
from tests.processes import ROOT, free_port
from tests.unit.notify.samples import draft, refused
from tests.unit.status.samples import event


@pytest.fixture
async def found(notify_dsns: Mapping[str, ServiceDsns]) -> AsyncIterator[Tables]:
    async with tables(notify_dsns) as ready:
        yield ready


async def settled(found: Tables) -> None:
    async def nothing_left() -> bool:
        return not set(await found.states()) & {"created", "sending", "held", "carried"}

    await until(nothing_left, 30)


async def told(stack: Stack, rules: list[dict[str, Any]]) -> None:
    async with httpx.AsyncClient() as http:
        (await http.put(f"{stack.smtp.url}/api/faults", json=rules)).raise_for_status()


async def inbox(stack: Stack, address: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient() as http:
        found: list[dict[str, Any]] = (
            await http.get(f"{stack.smtp.url}/api/messages", params={"to": address, "bodies": 0})
        ).json()
        return found


async def test_each_way_of_failing_leaves_its_answer_and_loses_nothing(found: Tables, stack: Stack) -> None:
    """Refused is final; busy, full and greylisted are tried again; a lost answer means the same mail twice."""
    tag = uuid4().hex[:8]
    faults: dict[str, dict[str, Any]] = {
        "busy": {"times": 2},
        "refused": {},
        "full": {"times": 1},
        "greylist": {"seconds": 0.3},
        "forbidden": {},
        "drop": {"times": 1},
        "lost": {"times": 1},
        "slow": {"times": 1, "seconds": 0.2},
    }
    await told(stack, [{"to": f"{name}@{tag}.example", "fault": name, **more} for name, more in faults.items()])
    try:
        async with worker(found, stack.smtp.port, temporary_attempts=20):
            await found.take(*(event(draft(contact=f"{name}@{tag}.example"), uuid4()) for name in faults))
            await settled(found)
    finally:
        await told(stack, [])
    rows = await found.pool.fetch(
        "select split_part(m.address, '@', 1) as name, m.state, a.result, a.code from message m"
        " join attempt a on a.message = m.id order by 1, a.n"
    )
    seen: dict[str, list[tuple[str, int | None]]] = {}
    for row in rows:
        seen.setdefault(row["name"], []).append((row["result"], row["code"]))
    assert seen["busy"] == [("temporary", 451), ("temporary", 451), ("accepted", 250)]
    assert seen["refused"] == [("permanent", 550)]
    assert seen["full"] == [("temporary", 552), ("accepted", 250)]
    assert seen["greylist"][0] == ("temporary", 450)
    assert seen["greylist"][-1] == ("accepted", 250)
    assert seen["forbidden"] == [("permanent", 554)]
    assert [result for result, _ in seen["drop"]] == ["technical", "accepted"]
    assert [result for result, _ in seen["lost"]] == ["technical", "accepted"]
    assert seen["slow"] == [("accepted", 250)]
    twice = await inbox(stack, f"lost@{tag}.example")
    assert len(twice) == 2
    assert len({mail["message_id"] for mail in twice}) == 1
    assert len(await inbox(stack, f"drop@{tag}.example")) == 1


async def test_a_relay_with_starttls_and_login_gets_signed_mail_and_the_proof_says_how(
    found: Tables, tmp_path: Path
) -> None:
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    pem = self_signed(tmp_path / "inbox.pem", "inbox.example", loopback)
    port, http_port = free_port(), free_port()
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    dkim_key = tmp_path / "dkim.pem"
    dkim_key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    options = ("--certificate", str(pem), "--user", "notify:s p@ce")
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.inbox", str(tmp_path / "mails"), str(port), str(http_port), *options), cwd=ROOT
    )
    settings: dict[str, Any] = {
        "smtp_relays": SecretStr(f"smtp://notify:s%20p%40ce@127.0.0.1:{port}?tls=starttls"),
        "smtp_ca_file": str(pem),
        "dkim_key_file": str(dkim_key),
    }
    try:
        async with worker(found, port, **settings):
            await found.take(event(draft(contact="one@tls.example"), uuid4()))
            await settled(found)
    finally:
        server.kill()
        await server.wait()
    [proof] = await found.pool.fetch("select relay, code, tls_version, tls_cipher from proof")
    assert (proof["relay"], proof["code"]) == (f"127.0.0.1:{port}", 250)
    assert proof["tls_version"] in ("TLSv1.2", "TLSv1.3")
    assert proof["tls_cipher"]
    [path] = (tmp_path / "mails").glob("*.eml")
    content = b"".join(path.read_bytes().split(b"\r\n", 3)[3:])  # without what the inbox put in front
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    assert dkim.verify(content, dnsfunc=lambda name, timeout=5: record, minkey=1024)
    assert not dkim.verify(
        content.replace(b"Subject: ", b"Subject: X"), dnsfunc=lambda name, timeout=5: record, minkey=1024
    )
    assert message_from_bytes(content, policy=policy.default)["To"] == "one@tls.example"


async def test_a_second_relay_takes_over_and_the_first_is_used_again_when_it_is_back(found: Tables) -> None:
    first, other = free_port(), free_port()
    relays = SecretStr(f"smtp://127.0.0.1:{first}?tls=none smtp://127.0.0.1:{other}?tls=none")
    async with relay(other) as backup, worker(found, 0, smtp_relays=relays, smtp_connections=1):
        await found.take(event(draft(contact="a@r.example"), uuid4()))
        await settled(found)
        assert backup.recipients == ["a@r.example"]
        async with relay(first) as back:

            async def again() -> bool:
                await found.take(event(draft(contact=f"{uuid4().hex}@r.example"), uuid4()))
                await asyncio.sleep(0.2)
                return bool(back.mails)

            await until(again, 20)
    assert {result for _, result, _, _ in await found.attempts()} == {"accepted"}


async def test_mail_beyond_a_domain_s_rate_waits_for_its_turn_and_holds_up_nobody(found: Tables) -> None:
    async with relay() as smtp, worker(found, smtp.port, domain_rates={"slow.example": 5.0}):
        await found.take(*(event(draft(contact=f"a{i}@slow.example"), uuid4()) for i in range(12)))
        await found.take(event(refused(contact="b@other.example"), uuid4()))

        async def through() -> bool:
            return "b@other.example" in smtp.recipients

        await until(through, 5)
        assert len(smtp.recipients) < 13
        await settled(found)
    assert sorted(smtp.recipients) == sorted([*(f"a{i}@slow.example" for i in range(12)), "b@other.example"])
    assert {n for n, *_ in await found.attempts()} == {1}  # waiting is no attempt


def test_turns_of_a_domain_are_spread_after_the_first_second() -> None:
    throttle = Throttle(2.0, {"free.example": 0.0})
    assert [round(throttle.wait("x@a.example", 100.0), 2) for _ in range(5)] == [0, 0, 0.0, 0.5, 1.0]
    assert throttle.wait("x@b.example", 100.0) == 0
    assert {throttle.wait("x@free.example", 100.0) for _ in range(50)} == {0}
    assert throttle.wait("x@a.example", 200.0) == 0


def test_a_mandatory_notice_has_its_turn_before_what_waits_for_the_same_domain() -> None:
    throttle = Throttle(2.0, {})
    assert max(throttle.wait("x@a.example", 100.0) for _ in range(100)) > 40
    assert [round(throttle.wait("y@a.example", 100.0, legal=True), 2) for _ in range(4)] == [0, 0, 0, 0.5]
    waits = throttle.wait("x@a.example", 100.0)
    assert round(waits, 2) == 51.0  # 104 turns were taken before it: what is mandatory is counted too


def test_a_relay_that_fails_rests_and_all_are_tried_when_all_rest() -> None:
    now = 0.0
    one, two = (RelayAddress(host=f"r{n}", port=25) for n in (1, 2))
    relays = Relays([one, two], clock=lambda: now)
    relays.refused(one)
    assert relays.order() == [two]
    assert relays.best(two)
    relays.refused(two)
    assert relays.order() == [one, two]
    now = 120.0
    assert relays.order() == [one, two]
    assert not relays.best(two)


@pytest.mark.parametrize("text", ["127.0.0.1:25", "smtp://", "http://h:25", "smtp://h:25?tls=maybe"])
def test_a_relay_that_is_not_written_as_one_is_refused_at_start(text: str) -> None:
    with pytest.raises(ValueError, match="smtp://user:password@host:port"):
        parse(text)
