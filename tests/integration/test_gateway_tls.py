"""TLS and headers at the gateway, as a browser and an old client find them."""

import asyncio
import socket
import ssl
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from contracts.registry import SERVICES
from deploy.servers.caddy import Caddy
from deploy.servers.ports import LOOPBACK
from deploy.servers.workspace import Workspace

GUARD = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A service that says its own policy for a page, and nothing otherwise."""
    request = (await reader.readuntil(b"\r\n\r\n")).decode()
    own = "Content-Security-Policy: sandbox\r\n" if "/page" in request.split(" ")[1] else ""
    writer.write(f"HTTP/1.1 200 OK\r\nServer: x\r\n{own}Content-Length: 2\r\nConnection: close\r\n\r\nok".encode())
    await writer.drain()
    writer.close()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[tuple[Caddy, ssl.SSLContext]]:
    server = await asyncio.start_server(_answer, LOOPBACK, 0)
    address = f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    workspace = Workspace()
    certificate = _certificate(tmp_path)
    caddy = Caddy(workspace, lambda: {name: [address] for name in SERVICES}, certificate=certificate)
    try:
        await asyncio.to_thread(caddy.start)
        yield caddy, ssl.create_default_context(cafile=str(certificate[0]))
    finally:
        await asyncio.to_thread(caddy.stop)
        server.close()
        await asyncio.to_thread(workspace.close)


async def test_every_answer_comes_by_tls_with_the_headers_that_guard_it(gateway: tuple[Caddy, ssl.SSLContext]) -> None:
    caddy, trusted = gateway
    async with httpx.AsyncClient(base_url=caddy.url, verify=trusted) as client:
        for path in ("/api/v1/deposits", "/api/v1/accounts/me", "/docs/status", "/nothing"):
            answer = await client.get(path)
            assert {name: answer.headers.get(name) for name in GUARD} == GUARD, path
            assert "server" not in answer.headers
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
        page = await client.get("/api/v1/messages/page")
        assert page.headers["content-security-policy"] == "sandbox"
        for path in ("/internal/ingest/usage", "/internal/notify/people/person:x", "/metrics"):
            assert (await client.get(path)).json()["code"] == "UNKNOWN_PATH"
    async with httpx.AsyncClient() as client:
        sent_on = await client.get(f"http://localhost:{caddy.plain_port}/api/v1/deposits")
        assert sent_on.status_code in (301, 308)
        assert sent_on.headers["location"].startswith("https://localhost")


async def test_nothing_older_than_tls_1_2_is_spoken(gateway: tuple[Caddy, ssl.SSLContext]) -> None:
    caddy, _ = gateway
    assert await asyncio.to_thread(_spoken, caddy.port, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert await asyncio.to_thread(_spoken, caddy.port, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.to_thread(_spoken, caddy.port, ssl.TLSVersion.TLSv1_1)


def _spoken(port: int, version: ssl.TLSVersion) -> str | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options &= ~(ssl.OP_NO_TLSv1_1 | ssl.OP_NO_TLSv1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection((LOOPBACK, port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return secured.version()
