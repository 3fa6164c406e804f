"""What the attack on the walls knows: the two sides, who attacks, which routes are public or show everybody his own."""

import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import jwt
import msgspec

from deploy.local import Stack
from services.common.auth import Principal, mint
from tests.e2e.walls_bodies import sample

#: Answers anybody: the public directory, and whether a certificate that somebody holds is genuine.
PUBLIC = frozenset(
    f"GET /api/v1/directory/{path}"
    for path in (
        "structures",
        "structures/{siret}",
        "structures/{siret}/guide",
        "export",
        "export/annuaire.{form}",
        "tenants/{tenant}/guide",
        "deposit-link/{siret}",
        "deposit-link/{siret}.svg",
    )
) | {"GET /api/v1/certificates/keys", "POST /api/v1/certificates/verify", "POST /api/v1/certificates/verify/file"}
#: Answers whoever has a token, each with his own: nothing of another's may be in it.
OWN = frozenset(
    {
        "GET /api/v1/deposits",
        "GET /api/v1/deposits/export.csv",
        "GET /api/v1/deposits/looks",
        "POST /api/v1/deposits",
        "GET /api/v1/drafts",
        "GET /api/v1/drafts/questions",
        "GET /api/v1/flows",
        "GET /api/v1/flows/export.csv",
        "POST /api/v1/flows",
        "GET /api/v1/flows/rejections/{day}",
        "OPTIONS /api/v1/flows/uploads",
        "POST /api/v1/flows/uploads",
        "GET /api/v1/invoices",
        "GET /api/v1/invoices/events",
        "GET /api/v1/invoices/export.csv",
        "GET /api/v1/invoices/figures",
        "GET /api/v1/invoices/synthesis",
        "GET /api/v1/invoices/looks",
        "GET /api/v1/invoices/risks",
        "POST /api/v1/invoices/actions",
        "GET /api/v1/invoices/changes",
        "POST /api/v1/invoices/receipts",
        "GET /api/v1/directory/engagements",
        "GET /api/v1/directory/looks",
        "GET /api/v1/directory/structures/{siret}/history",
        "GET /api/v1/messages/managers",
        "GET /api/v1/messages/looks",
        "GET /api/v1/pages/looks",
        "GET /api/v1/messages/recipients",
        "GET /api/v1/messages/mine",
        "GET /api/v1/messages/preferences",
        "PUT /api/v1/messages/preferences",
        "GET /api/v1/messages/contact",
        "PUT /api/v1/messages/contact",
        "GET /api/v1/messages/announcements",
        "GET /api/v1/messages/proofs",
        "GET /api/v1/messages/proofs/export",
        "GET /api/v1/webhooks",
        "POST /api/v1/webhooks",
        "POST /api/v1/supervision/dead-letters/{service}",
    }
)
#: Refused to who has no link for this very document, whoever he is.
BY_LINK = frozenset({"GET /api/v1/pages/{document}/index", "GET /api/v1/pages/{document}/{page}.png"})
#: Links of mails: a token that is not signed names nothing.
BY_MAIL = frozenset(
    f"{method} /api/v1/messages/{path}" for method in ("GET", "POST") for path in ("unsubscribe", "contact/confirm")
)


class Side(msgspec.Struct, frozen=True):
    """A département, one of its bodies and services, and an invoice that it received (``decoy``: an id of nothing)."""

    tenant: str
    body: str
    service: str
    depositor: str
    number: str
    invoice: str
    decoy: str

    @property
    def marks(self) -> tuple[str, ...]:
        """What may be seen in no answer to a stranger."""
        return self.number, self.depositor, f"@{self.depositor}"


def strangers(side: Side, other: Side) -> Mapping[str, Principal]:
    """People with good tokens to whom nothing of ``side`` belongs.

    Each is somebody else in each way of the attack: who has just asked for a contact address has to wait for the next.
    """
    contact, nosy = "nosy@stranger.example", f"nosy-about-{side.tenant}"
    return {
        "another tenant's administrator": Principal(
            subject=f"{nosy}-admin", roles=("TENANT_ADMIN",), tenants=(other.tenant,), contact=contact
        ),
        "another supplier": Principal(
            subject=f"{nosy}-supplier", roles=("FOURNISSEUR",), structures=("73282932000074",), contact=contact
        ),
        "another service of the structure": Principal(
            subject=f"{nosy}-service", roles=("AGENT",), services=(f"{side.body}/AUTRE",), contact=contact
        ),
        "another body's finance system": Principal(
            subject=f"{nosy}-finance",
            roles=("FINANCE",),
            structures=(other.body,),
            tenants=(other.tenant,),
            contact=contact,
        ),
        "another body's manager": Principal(
            subject=f"{nosy}-manager",
            roles=("GESTIONNAIRE", "TENANT_ADMIN"),
            structures=(other.body,),
            services=(f"{other.body}/{other.service}",),
            tenants=(other.tenant,),
            contact=contact,
        ),
        "a tenant's name without a role": Principal(subject=f"{nosy}-tenant", tenants=(side.tenant,), contact=contact),
        "a role without a tenant": Principal(
            subject=f"{nosy}-roles",
            roles=("TENANT_ADMIN", "GESTIONNAIRE", "FINANCE", "FOURNISSEUR"),
            structures=(side.body,),
            contact=contact,
        ),
    }


def refused_tokens(stack: Stack, side: Side) -> Mapping[str, str | None]:
    """Authorization headers of a rightful operator, were they any good."""
    rightful = Principal(subject="op", roles=("OPERATEUR", "TENANT_ADMIN", "FOURNISSEUR"), tenants=(side.tenant,))
    claims = {"sub": "op", "aud": "chorale", "roles": ["OPERATEUR"], "exp": int(time.time()) + 3600}
    return {
        "none": None,
        "expired": f"Bearer {mint(stack.token_secret, rightful, ttl_seconds=-60)}",
        "forged": f"Bearer {mint('another secret that is long enough for it', rightful)}",
        "unsigned": f"Bearer {jwt.encode(claims, '', algorithm='none')}",
        "for somebody else": f"Bearer {jwt.encode({**claims, 'aud': 'x'}, stack.token_secret, algorithm='HS256')}",
        "no end": f"Bearer {jwt.encode({'sub': 'op', 'aud': 'chorale'}, stack.token_secret, algorithm='HS256')}",
        "not a token": "Bearer operator",
        "another scheme": "Basic b3A6b3A=",
    }


class Route(msgspec.Struct, frozen=True):
    """An operation of a service's own OpenAPI description."""

    service: str
    method: str
    path: str
    about: Mapping[str, Any]
    components: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As the tables above name it."""
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method not in ("GET", "HEAD")

    def address(self, side: Side, identity: str) -> str:
        """The path for a thing of ``side``; ``identity`` stands for every id."""
        known = {
            "siret": side.body,
            "tenant": side.tenant,
            "page": "1",
            "form": "csv",
            "service": side.service,
            "sequence": "1",
            "day": "2026-03-02",
            "letter": "1",
        }
        if self.service == "supervision":
            known["service"] = "status"
        path = self.path
        for name in [part.partition("}")[0] for part in path.split("{")[1:]]:
            path = path.replace(f"{{{name}}}", known.get(name, identity))
        return path

    def query(self, side: Side) -> dict[str, str]:
        """Every parameter that may name something of ``side``."""
        known = {"q": side.body, "structure": side.body, "siret": side.body, "invoice": side.invoice}
        known |= {"number": side.number, "from": "0", "tenant": side.tenant, "before": side.invoice, "token": "bm8"}
        names = [one["name"] for one in self.about.get("parameters", ()) if one["in"] == "query"]
        return {name: known[name] for name in names if name in known}


def routes(service: str, description: Mapping[str, Any]) -> Iterator[Route]:
    """Every operation that a service describes."""
    for path, operations in description["paths"].items():
        for method, about in operations.items():
            yield Route(service, method.upper(), path, about, description.get("components", {}).get("schemas", {}))


def body(route: Route, side: Side) -> dict[str, Any]:
    """What a write really sends, so that it is the wall that refuses it and not the form; else as it is described."""
    manager = {"siret": side.body, "service_code": None, "name": "X", "email": "x@stranger.example"}
    structure = {"siret": side.body, "name": "Pris", "tenant": side.tenant, "kind": "budget_principal"}
    recipient = {"role": "moa", "siret": side.body, "email": "x@stranger.example"}
    announcement = {"audience": "bodies", "title": "Pris", "body": "Pris.", "tenant": side.tenant}
    receiver = {"url": "https://stranger.example/hook", "structures": [side.body]}
    piece = {"type": "PJA", "label": "Pièce"}
    acts = {"action": "transfer", "fields": {"service_code": side.service}}
    given: dict[str, dict[str, Any]] = {
        "POST /api/v1/deposits": {"files": {"file": ("f.pdf", b"%PDF-1.4\n", "application/pdf")}},
        "POST /api/v1/deposits/{deposit_id}/attachments": {"files": {"file": ("f.pdf", b"%PDF-1.4\n")}, "data": piece},
        "POST /api/v1/deposits/{deposit_id}/attachments/reuse": {"json": {"attachment": side.invoice}},
        "POST /api/v1/deposits/{deposit_id}/as-attachment": {"json": {"to": side.invoice, **piece}},
        "POST /api/v1/drafts": {"json": {"from_invoice": side.invoice}},
        "PATCH /api/v1/drafts/{draft_id}": {"json": {"fields": {"note": "x"}}, "headers": {"If-Match": '"1"'}},
        "POST /api/v1/drafts/{draft_id}/submit": {"headers": {"If-Match": '"1"'}},
        "PUT /api/v1/drafts/{draft_id}/document": {"files": {"file": ("f.pdf", b"%PDF-1.4\n", "application/pdf")}},
        "DELETE /api/v1/drafts/{draft_id}": {"headers": {"If-Match": '"1"'}},
        "POST /api/v1/certificates/verify": {"json": {"certificate": {"deposit": side.invoice}}},
        "POST /api/v1/certificates/verify/file": {"content": b"%PDF-1.4\n"},
        "POST /api/v1/flows": {"content": b"<?xml version='1.0'?><Invoice/>"},
        "OPTIONS /api/v1/flows/uploads": {},
        "POST /api/v1/flows/uploads": {"headers": {"Tus-Resumable": "1.0.0", "Upload-Length": "9"}},
        "PATCH /api/v1/flows/uploads/{flow_id}": {
            "content": b"%PDF-1.4\n",
            "headers": {
                "Tus-Resumable": "1.0.0",
                "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream",
            },
        },
        "DELETE /api/v1/flows/uploads/{flow_id}": {"headers": {"Tus-Resumable": "1.0.0"}},
        "POST /api/v1/directory/import": {"json": {"structures": [structure]}},
        "PUT /api/v1/messages/managers": {"json": {"managers": [manager]}},
        "POST /api/v1/messages/recipients": {"json": recipient},
        "DELETE /api/v1/messages/recipients/{identity}": {},
        "PUT /api/v1/messages/preferences": {"json": {"kinds": {"DEPOSEE": "daily"}}},
        "PUT /api/v1/messages/contact": {"json": {"email": "nosy@stranger.example"}},
        "POST /api/v1/messages/announcements": {"json": announcement},
        "POST /api/v1/messages/bounces": {"content": b"a report"},
        **{name: {} for name in BY_MAIL},
        "POST /api/v1/webhooks": {"json": receiver},
        "PATCH /api/v1/webhooks/{webhook}": {"json": {"state": "paused"}},
        "DELETE /api/v1/webhooks/{webhook}": {},
        "POST /api/v1/webhooks/{webhook}/secrets": {"json": {}},
        "DELETE /api/v1/webhooks/{webhook}/secrets/{secret}": {},
        "POST /api/v1/webhooks/{webhook}/test": {},
        "POST /api/v1/webhooks/{webhook}/replay": {"json": {"since": "2026-01-01T00:00:00Z"}},
        "POST /api/v1/supervision/dead-letters/{service}": {
            "json": {"action": "drop", "key": side.invoice, "apply": True, "note": "pris"}
        },
        **{
            f"POST /api/v1/supervision/dead-letters/{{service}}/{{letter}}/{act}": {
                "json": {"apply": True, "note": "pris"}
            }
            for act in ("replay", "drop")
        },
        "POST /api/v1/invoices/receipts": {"json": {"invoices": [side.invoice]}},
        "POST /api/v1/invoices/{invoice}/receipt": {"json": {"reference": "X"}},
        "POST /api/v1/invoices/{invoice}/actions": {"json": acts, "headers": {"If-Match": '"1"'}},
        "POST /api/v1/invoices/actions": {
            "json": {**acts, "invoices": [{"invoice": side.invoice}, {"invoice": side.decoy}]},
            "headers": {"Idempotency-Key": uuid4().hex},
        },
    }
    if route.name not in given:
        return sample(route.about, route.components, {"siret": side.body, "tenant": side.tenant})
    return given[route.name]
