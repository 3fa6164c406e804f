"""Examples of the main answers, for the API's description."""

from typing import Any, Final

_MANAGER: Final[dict[str, Any]] = {
    "siret": "22060001900016",
    "service_code": "DRH",
    "name": "Camille Roux",
    "email": "factures@departement.example",
}
_MESSAGE: Final[dict[str, Any]] = {
    "id": "3fb4eb3e-f8bc-5191-962d-341000000042",
    "invoice": "0190e8a0-0000-7000-8000-000000000042",
    "entry": 2,
    "kind": "MISE_A_DISPOSITION",
    "audience": "body",
    "address": "factures@departement.example",
    "language": "fr",
    "state": "accepted",
    "legal": True,
    "carried_by": None,
    "returned_at": None,
    "message_id": "<3fb4eb3e-f8bc-5191-962d-341000000042@chorale.example>",
    "created_at": "2026-03-02T09:30:04Z",
    "next_attempt_at": None,
    "done_at": "2026-03-02T09:30:05Z",
    "attempts": [
        {
            "n": 1,
            "at": "2026-03-02T09:30:05Z",
            "host": "relais.example:25",
            "result": "accepted",
            "code": 250,
            "answer": "2.0.0 OK",
            "tls": True,
        }
    ],
}
_MINE: Final[dict[str, Any]] = {
    "id": "3fb4eb3e-f8bc-5191-962d-341000000042",
    "kind": "MISE_EN_PAIEMENT",
    "audience": "supplier",
    "at": "2026-04-10T09:30:04Z",
    "title": "Le paiement de votre facture est lancé",
    "text": ["Le 10/04/2026, le paiement de votre facture F-2026-0042 a été lancé."],
    "act": "Vous n'avez rien à faire.",
    "path": "/factures/0190e8a0-0000-7000-8000-000000000042",
    "link_label": "Voir la facture",
    "mandatory": False,
    "outcome": "sent",
}
_RECIPIENT: Final[dict[str, Any]] = {
    "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "role": "validator",
    "siret": "99900001100018",
    "tenant": None,
    "name": "Alix Martin",
    "email": "validation@titulaire.example",
}
_PROOF: Final[dict[str, Any]] = {
    "message": _MESSAGE["id"],
    "carrier": _MESSAGE["id"],
    "subject": _MESSAGE["invoice"],
    "entry": 2,
    "kind": "MISE_A_DISPOSITION",
    "audience": "body",
    "tenant": "cd06",
    "structure": "22060001900016",
    "number": "F-2026-0042",
    "address_sha256": "5f1d0c2f0b3c6fbf9d3a2c7e8a4b6d1e0f9c8b7a6d5e4f3c2b1a0f9e8d7c6b5a",
    "message_id_header": _MESSAGE["message_id"],
    "created_at": _MESSAGE["created_at"],
    "accepted_at": _MESSAGE["done_at"],
    "attempt": 1,
    "relay": "relais.example:25",
    "code": 250,
    "answer": "2.0.0 OK",
    "tls_version": "TLSv1.3",
    "tls_cipher": "TLS_AES_256_GCM_SHA384",
}
_PREFERENCES: Final[dict[str, Any]] = {
    "address": "compta@fournisseur.example",
    "language": "fr",
    "every_kind": None,
    "undeliverable": False,
    "kinds": [
        {
            "kind": "DEPOSEE",
            "label": "Votre facture est déposée",
            "label_en": "Your invoice is deposited",
            "chosen": "off",
            "default": {"supplier": "daily"},
            "mandatory": [],
        },
        {
            "kind": "REJETEE",
            "label": "Votre facture est rejetée",
            "label_en": "Your invoice is rejected",
            "chosen": None,
            "default": {"supplier": "at_once"},
            "mandatory": ["supplier"],
        },
    ],
}
_WEBHOOK: Final[dict[str, Any]] = {
    "id": "0b6fd5b0-3f8e-4f53-9c0a-5a1f6c0a0042",
    "kind": "http",
    "url": "https://erp.fournisseur.example/chorale",
    "description": "ERP",
    "types": ["fr.chorale.status.changed.v1"],
    "statuses": ["SUSPENDUE", "REJETEE", "MISE_EN_PAIEMENT"],
    "structures": [],
    "services": [],
    "state": "active",
    "created_at": "2026-03-02T09:30:00Z",
    "failures": 0,
    "open_until": None,
    "structure": None,
    "format": None,
    "rhythm": None,
    "secrets": [
        {
            "id": "5a1f6c0a-0042-4f53-9c0a-0b6fd5b03f8e",
            "signature": "hmac",
            "created_at": "2026-03-02T09:30:00Z",
            "expires_at": None,
            "public_key": None,
            "secret": None,
        }
    ],
}
_DELIVERY: Final[dict[str, Any]] = {
    "event": "9a3c1d52-6f50-5c43-8a1f-0a52d1f00042",
    "invoice": _MESSAGE["invoice"],
    "type": "fr.chorale.status.changed.v1",
    "state": "delivered",
    "created_at": "2026-03-02T09:30:04Z",
    "next_attempt_at": None,
    "done_at": "2026-03-02T09:30:05Z",
    "attempts": [
        {"n": 1, "at": "2026-03-02T09:30:05Z", "duration_ms": 41, "result": "delivered", "status": 204, "answer": ""}
    ],
}
EXAMPLES: Final[dict[str, Any]] = {
    "GET /api/v1/messages": {"messages": [_MESSAGE], "next": None},
    "GET /api/v1/messages/mine": {"messages": [_MINE], "next": None},
    "GET /api/v1/messages/managers": {"managers": [_MANAGER]},
    "GET /api/v1/messages/recipients": {"recipients": [_RECIPIENT]},
    "POST /api/v1/messages/recipients": _RECIPIENT,
    "GET /api/v1/messages/preferences": _PREFERENCES,
    "PUT /api/v1/messages/preferences": _PREFERENCES,
    "GET /api/v1/messages/contact": {"address": "compta@fournisseur.example", "waiting": None},
    "PUT /api/v1/messages/contact": {"address": "compta@fournisseur.example", "waiting": "bureau@fournisseur.example"},
    "GET /api/v1/messages/proofs": {"proofs": [_PROOF]},
    "GET /api/v1/webhooks": [_WEBHOOK],
    "POST /api/v1/webhooks": _WEBHOOK,
    "GET /api/v1/webhooks/{webhook}": _WEBHOOK,
    "GET /api/v1/webhooks/{webhook}/deliveries": {"deliveries": [_DELIVERY], "next": None},
}
