"""An SMTP inbox for demo and tests: takes every mail, writes it as ``.eml``, and shows what came.

``python -m deploy.inbox FOLDER SMTP_PORT HTTP_PORT``. A mail is answered 250 only once its file is complete under its
final name: it outlives the process (not the machine: nothing is synced to the disk). It can be told to fail
(``PUT /api/faults``, :mod:`deploy.inbox_faults`), and to want STARTTLS and a login (``--certificate``, ``--user``).
"""

import argparse
import asyncio
import email
import email.policy
import html
import json
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import islice
from pathlib import Path
from typing import Any, Final

import uvicorn
import uvloop
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from deploy.inbox_faults import FAULTS, Faults, Rule

HOST = "127.0.0.1"
SIZE_LIMIT = 25_000_000
_SHOWN = {"from": "De", "to": "À", "received_at": "Reçu (UTC)", "message_id": "Message-ID"}
_TO, _AT = "X-Inbox-To", "X-Inbox-Received-At"
#: Where programs may have events of the platform sent.
RECEIVER: Final = "/evenements"


@dataclass(frozen=True)
class Mail:
    """One mail as it was taken. ``number`` counts from 1 in the order of arrival."""

    number: int
    path: Path

    def recipients(self) -> list[str]:
        """The addresses of the envelope, from the second line of the file: nothing else is read."""
        with self.path.open("rb") as source:
            _, line = source.readline(), source.readline()
        return line.decode().partition(": ")[2].strip().split(", ")

    def read(self, bodies: bool) -> dict[str, Any]:
        """What the JSON API says of it."""
        message = email.message_from_bytes(self.path.read_bytes(), EmailMessage, policy=email.policy.default)
        found: dict[str, Any] = {
            "id": self.number,
            "to": (message[_TO] or "").split(", "),
            "from": str(message["From"] or ""),
            "subject": str(message["Subject"] or ""),
            "received_at": message[_AT],
            "message_id": str(message["Message-ID"] or ""),
            "traceparent": message["traceparent"],
        }
        if bodies:
            headers = [[name, str(value)] for name, value in message.items() if name not in (_TO, _AT)]
            found |= {"text": _body(message, "plain"), "html": _body(message, "html"), "headers": headers}
        return found


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


class Store:
    """The mails of one folder, one file each, in order of arrival."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.mails = [Mail(number, path) for number, path in enumerate(sorted(folder.glob("*.eml")), start=1)]
        self.arrived = asyncio.Event()

    def add(self, recipients: list[str], content: bytes, sender: str) -> Mail:
        """Keep one mail; it is complete on return."""
        number = len(self.mails) + 1
        path = self._folder / f"{number:08d}.eml"
        envelope = (
            f"Return-Path: <{sender}>\r\n{_TO}: {', '.join(recipients)}\r\n{_AT}: {datetime.now(UTC).isoformat()}\r\n"
        )
        partial = path.with_suffix(".part")
        with partial.open("wb") as target:
            target.write(envelope.encode() + content)
        os.rename(partial, path)
        mail = Mail(number, path)
        self.mails.append(mail)
        return mail


class Handler:
    """What aiosmtpd calls."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self._faults.at_recipient(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if refusal := await self._faults.before_content(envelope.rcpt_tos[0], server):
            return refusal
        mail = self._store.add(envelope.rcpt_tos, envelope.original_content or b"", envelope.mail_from or "")
        await self._faults.after_content(envelope.rcpt_tos[0], server)
        return f"250 2.0.0 kept as {mail.number}"


class Pages:
    """``/`` for people, ``/api/messages`` and ``/messages/{id}`` for programs."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._called = False

    def routes(self) -> list[Route]:
        """The pages of the inbox."""
        return [
            Route("/", self.index),
            Route("/api/messages", self.messages),
            Route("/api/count", self.count),
            Route("/api/faults", self.faults, methods=["PUT"]),
            Route(RECEIVER, self.receive, methods=["POST"]),
            Route("/messages/{number:int}", self.message),
        ]

    async def messages(self, request: Request) -> Response:
        """``?after=ID`` starts behind a mail, ``?to=ADDRESS`` filters, ``?limit=N`` ends, ``?bodies=0`` is short."""
        query = request.query_params
        after, limit = int(query.get("after", "0")), int(query.get("limit", "1000000"))
        bodies, to = query.get("bodies", "1") != "0", query.get("to")
        mails = self._store.mails[after:]

        def read() -> list[dict[str, Any]]:
            chosen = (mail for mail in mails if to is None or to in mail.recipients())
            return [mail.read(bodies) for mail in islice(chosen, limit)]

        return JSONResponse(await asyncio.to_thread(read))

    async def count(self, request: Request) -> Response:
        return JSONResponse({"count": len(self._store.mails)})

    async def faults(self, request: Request) -> Response:
        """``[{"to": "*@full.example", "fault": "full", "times": 2, "seconds": 1}]``: what goes wrong from now on."""
        try:
            self._faults.rules = [Rule.read(given) for given in json.loads(await request.body())]
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"error": str(error), "faults": FAULTS}, status_code=422)
        return JSONResponse({"rules": len(self._faults.rules)})

    async def receive(self, _: Request) -> Response:
        """A receiver of webhooks, which is not ready for the first call: the log shows what is tried again."""
        ready, self._called = self._called, True
        return Response(status_code=204 if ready else 503)

    async def message(self, request: Request) -> Response:
        number = request.path_params["number"]
        if not 1 <= number <= len(self._store.mails):
            return Response("Message inconnu", status_code=404, media_type="text/plain; charset=utf-8")
        mail = self._store.mails[number - 1]
        if request.query_params.get("raw"):
            return Response(mail.path.read_bytes(), media_type="message/rfc822")
        found = mail.read(bodies=True)
        rows = "".join(f"<dt>{label}</dt><dd>{_escape(found[name])}</dd>" for name, label in _SHOWN.items())
        headers = "".join(f"<tr><th>{_escape(n)}</th><td>{_escape(v)}</td></tr>" for n, v in found["headers"])
        return _page(
            str(found["subject"]),
            f"<dl>{rows}</dl><h2>Texte</h2><pre>{_escape(found['text'])}</pre>"
            f'<h2>HTML</h2><iframe sandbox title="HTML" srcdoc="{_escape(found["html"])}"></iframe>'
            f"<details><summary>En-têtes</summary><table>{headers}</table></details>"
            f'<p><a href="?raw=1">Fichier .eml</a> · <a href="..">Tous les messages</a></p>',
        )

    async def index(self, request: Request) -> Response:
        newest = self._store.mails[:-201:-1]
        found = await asyncio.to_thread(lambda: [mail.read(bodies=False) for mail in newest])
        rows = "".join(
            f"<tr><td>{mail['received_at'][:19]}</td><td>{_escape(mail['to'])}</td>"
            f'<td><a href="messages/{mail["id"]}">{_escape(mail["subject"])}</a></td></tr>'
            for mail in found
        )
        count = len(self._store.mails)
        head = "<tr><th>Reçu (UTC)</th><th>À</th><th>Objet</th></tr>"
        return _page(f"Boîte de réception : {count} message(s)", f"<table>{head}{rows}</table>")


def _escape(value: object) -> str:
    return html.escape(", ".join(value) if isinstance(value, list) else str(value))


def _page(title: str, body: str) -> HTMLResponse:
    style = (
        "body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}table{border-collapse:collapse}"
        "td,th{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:left}dt{font-weight:bold}"
        "pre{white-space:pre-wrap;background:#f6f6f6;padding:1rem}iframe{width:100%;height:30rem;border:1px solid #ddd}"
    )
    return HTMLResponse(
        f'<!doctype html><html lang="fr"><meta charset="utf-8"><title>{_escape(title)}</title>'
        f"<style>{style}</style><h1>{_escape(title)}</h1>{body}</html>"
    )


def _smtp(handler: Handler, certificate: Path | None, user: str | None) -> SMTP:
    """One connection's protocol; with a certificate STARTTLS is demanded, with a user a login too."""
    context: ssl.SSLContext | None = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        given = f"{data.login.decode()}:{data.password.decode()}" if isinstance(data, LoginPassword) else ""
        return AuthResult(success=given == user)

    return SMTP(
        handler,
        hostname="inbox.example",
        ident="inbox",
        data_size_limit=SIZE_LIMIT,
        enable_SMTPUTF8=True,
        tls_context=context,
        require_starttls=context is not None,
        authenticator=login if user else None,
        auth_required=user is not None,
    )


async def serve(
    folder: Path, smtp_port: int, http_port: int, certificate: Path | None = None, user: str | None = None
) -> None:
    """Run both servers until the process is told to stop."""
    store, faults = Store(folder), Faults()
    handler = Handler(store, faults)
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: _smtp(handler, certificate, user), HOST, smtp_port)
    app = Starlette(routes=Pages(store, faults).routes())
    config = uvicorn.Config(app, host=HOST, port=http_port, log_level="warning", timeout_graceful_shutdown=1)
    async with smtp:
        await uvicorn.Server(config).serve()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.inbox", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("smtp_port", type=int)
    parser.add_argument("http_port", type=int)
    parser.add_argument("--certificate", type=Path, help="PEM of key and certificate: STARTTLS is demanded")
    parser.add_argument("--user", help="name:password that a client must give")
    given = parser.parse_args()
    uvloop.run(serve(given.folder, given.smtp_port, given.http_port, given.certificate, given.user))


if __name__ == "__main__":
    main()
