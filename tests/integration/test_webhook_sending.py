"""One call to a receiver: the address that was checked is the one called, by its name, over TLS, and no further."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from services.notify.webhook_address import networks
from services.notify.webhook_send import Limits, Outcome, Sender
from tests.certificates import self_signed
from tests.processes import free_port

LIMITS = Limits(connect=1, whole=2, connections=10)


@asynccontextmanager
async def sender(allowed: str = "127.0.0.0/8", ca: Path | None = None) -> AsyncIterator[Sender]:
    made = Sender(LIMITS, networks(allowed.split(",")), str(ca) if ca else None)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def server(context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Takes one request a connection and keeps its head."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield running.sockets[0].getsockname()[1], heads
    finally:
        running.close()


def names(answers: Mapping[str, Sequence[str]], asked: list[str]) -> Callable[..., Any]:
    """A name service of the test's own; what it is asked is kept."""
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *more: Any, **options: Any) -> Any:
        if host not in answers:
            return real(host, port, *more, **options)
        asked.append(host)
        kinds = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (kinds[ipaddress.ip_address(address).version], socket.SOCK_STREAM, 6, "", (address, port))
            for address in answers[host]
        ]

    return look_up


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "[::]",
    ],
)
async def test_no_spelling_of_an_own_address_is_called(host: str) -> None:
    async with server() as (port, heads), sender(allowed="") as made:
        outcome = await made.post(f"http://{host}:{port}/", {}, b"{}")
        assert (outcome.result, outcome.status) == ("forbidden", None)
        assert heads == []


async def test_a_name_with_one_private_address_among_public_ones_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    both = {"mixed.example": ["8.8.8.8", "127.0.0.1"], "mapped.example": ["::ffff:169.254.169.254"]}
    monkeypatch.setattr(socket, "getaddrinfo", names(both, asked))
    async with sender(allowed="") as made:
        for name in both:
            assert (await made.post(f"http://{name}:9/", {}, b"{}")).result == "forbidden"
    assert asked == list(both)


async def test_the_name_is_asked_for_once_and_kept_in_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers a second question otherwise is not asked a second time."""
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", names({"hooks.example": ["127.0.0.1"]}, asked))
    async with server() as (port, heads), sender() as made:
        outcome = await made.post(f"http://hooks.example:{port}/a/b?c=%2F", {"x-own": "1"}, b"{}")
        assert outcome.result == "delivered"
    assert asked == ["hooks.example"]
    assert heads[0].startswith(b"POST /a/b?c=%2F HTTP/1.1\r\n")
    assert f"\r\nHost: hooks.example:{port}\r\n".encode() in heads[0]


async def test_the_first_address_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names({"hooks.example": ["127.0.0.9", "127.0.0.1"]}, []))
    async with server() as (port, _), sender() as made:
        assert (await made.post(f"http://hooks.example:{port}/", {}, b"{}")).result == "delivered"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context for that name, and the file of the authority that signed it (itself)."""
    public = self_signed(folder / f"{name}.pem", name, x509.DNSName(name))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public)
    return context, public


async def test_tls_asks_for_the_name_and_believes_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"hooks.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}
    monkeypatch.setattr(socket, "getaddrinfo", names(both, []))
    context, authority = certificate(tmp_path, "hooks.example")
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    async with server(context) as (port, _), sender(ca=authority) as made, sender() as stranger:

        async def call(by: Sender, name: str) -> Outcome:
            return await by.post(f"https://{name}:{port}/", {}, b"{}")

        assert (await call(made, "hooks.example")).result == "delivered"
        assert (await call(made, "other.example")).result == "tls"
        assert (await call(stranger, "hooks.example")).result == "tls"
    assert asked == ["hooks.example", "other.example", "hooks.example"]


async def test_a_port_on_which_nobody_listens_and_a_name_that_is_none_are_unreachable() -> None:
    async with sender() as made:
        assert (await made.post(f"http://127.0.0.1:{free_port()}/", {}, b"{}")).result == "unreachable"
        assert (await made.post("http://no-such-name.invalid/", {}, b"{}")).result == "unreachable"
