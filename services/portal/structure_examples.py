"""Examples of answers for the documentation of structures and memberships. Invented people only."""

from typing import Any, Final

_A: Final = "/api/v1/accounts"
_ID: Final = "0190e8a0-0000-7000-8000-000000000042"
_SUBJECT: Final = "person:6f0c2a9e-0000-4000-8000-000000000042"
_OTHER: Final = "person:6f0c2a9e-0000-4000-8000-000000000043"
_AT: Final = "2026-03-02T09:30:00Z"
_LATER: Final = "2026-04-01T09:30:00Z"
_SIRET: Final = "73282932000074"
_STRUCTURE: Final[dict[str, Any]] = {
    "structure": _SIRET,
    "type": "SIRET",
    "identifier": _SIRET,
    "name": "Menuiserie du Port",
    "public": False,
    "address": {
        "street": "12 rue des Lilas",
        "complement": None,
        "postal_code": "06000",
        "town": "Nice",
        "country": "FR",
    },
    "bank": {"iban": "FR7630006000011234567890189", "bic": "AGRIFRPP", "holder": "Menuiserie du Port", "masked": False},
    "prefilled": ["town"],
    "version": 3,
    "verified": True,
    "manager": "principal",
    "rights": [
        {"role": "FOURNISSEUR", "service": None, "since": None, "until": None},
        {"role": "GESTIONNAIRE", "service": None, "since": None, "until": None},
    ],
    "may": ["structure.change", "membership.decide", "proof.decide", "software.manage", "audit.read"],
    "tenant": None,
    "successor": None,
    "predecessors": [],
}
_REQUEST: Final[dict[str, Any]] = {
    "id": _ID,
    "structure": _SIRET,
    "structure_name": "Menuiserie du Port",
    "subject": _OTHER,
    "name": "Denis Roux",
    "email": "denis@menuiserie.example",
    "message": "Je tiens la comptabilité.",
    "state": "asked",
    "asked_at": _AT,
    "expires_at": _LATER,
    "decided_at": None,
    "reason": None,
}
_INVITATION: Final[dict[str, Any]] = {
    "id": _ID,
    "structure": _SIRET,
    "email": "suivi@affacturage.example",
    "manager": None,
    "roles": [{"role": "LECTURE", "service": None, "since": None, "until": _LATER}],
    "delegation": None,
    "invited_by": _SUBJECT,
    "invited_at": _AT,
    "expires_at": "2026-03-16T09:30:00Z",
    "state": "sent",
}
_DELEGATION: Final[dict[str, Any]] = {
    "id": _ID,
    "structure": _SIRET,
    "giver": _SUBJECT,
    "receiver": _OTHER,
    "since": _AT,
    "until": _LATER,
    "made_by": _SUBJECT,
    "made_at": _AT,
    "ended_at": None,
}
_PROOF: Final[dict[str, Any]] = {
    "id": _ID,
    "structure": _SIRET,
    "structure_name": "Menuiserie du Port",
    "subject": _SUBJECT,
    "kind": "KBIS",
    "dated": "2026-02-20",
    "file_name": "kbis.pdf",
    "document": True,
    "state": "submitted",
    "submitted_at": _AT,
    "decided_at": None,
    "reason": None,
}
_SUCCESSION: Final[dict[str, Any]] = {
    "id": _ID,
    "old": _SIRET,
    "new": "73282932000082",
    "state": "done",
    "asked_at": _AT,
    "decided_at": _AT,
    "reason": None,
}
_ROLES: Final[dict[str, Any]] = {
    "subject": _OTHER,
    "roles": [{"role": "VALIDATEUR", "service": None, "since": None, "until": None}],
}

EXAMPLES: Final[dict[str, Any]] = {
    f"GET {_A}/structures": {"structures": [_STRUCTURE], "next": None},
    f"POST {_A}/structures": {**_STRUCTURE, "bank": None, "verified": False, "manager": None, "rights": []},
    f"GET {_A}/structures/{{structure}}": _STRUCTURE,
    f"PUT {_A}/structures/{{structure}}": _STRUCTURE,
    f"PUT {_A}/structures/{{structure}}/bank": _STRUCTURE,
    f"GET {_A}/structures/search": {
        "structures": [
            {
                "structure": _SIRET,
                "name": "Menuiserie du Port",
                "town": "Nice",
                "postal_code": "06000",
                "public": False,
                "registered": True,
                "to_do": "Demandez le rattachement à son gestionnaire, ou déposez un justificatif si elle n'en a pas.",
            }
        ],
        "more": False,
    },
    f"GET {_A}/structures/prefill/{{siret}}": {
        "siret": _SIRET,
        "known": True,
        "closed": False,
        "public": False,
        "name": "MENUISERIE DU PORT",
        "street": "12 RUE DES LILAS",
        "complement": None,
        "postal_code": "06000",
        "town": "NICE",
    },
    f"POST {_A}/structures/{{structure}}/successor": _SUCCESSION,
    f"GET {_A}/structures/{{structure}}/successions": {"successions": [_SUCCESSION]},
    f"GET {_A}/structures/{{structure}}/members": {
        "members": [
            {
                "subject": _OTHER,
                "name": "Denis Roux",
                "email": "denis@menuiserie.example",
                "side": "supplier",
                "verified": True,
                "verified_how": "vouched",
                "manager": None,
                "since": _AT,
                "roles": _ROLES["roles"],
            }
        ],
        "next": None,
    },
    f"PUT {_A}/structures/{{structure}}/members/{{subject}}/roles": _ROLES,
    f"POST {_A}/structures/{{structure}}/members/{{subject}}/copy": _ROLES,
    f"POST {_A}/structures/{{structure}}/requests": _REQUEST,
    f"GET {_A}/requests": {"requests": [_REQUEST], "next": None},
    f"POST {_A}/requests/{{request_id}}/approve": {**_REQUEST, "state": "approved", "decided_at": _AT},
    f"POST {_A}/structures/{{structure}}/invitations": _INVITATION,
    f"GET {_A}/structures/{{structure}}/invitations": {"invitations": [_INVITATION], "next": None},
    f"POST {_A}/invitations/accept": {"structure": _SIRET, "name": "Menuiserie du Port"},
    f"POST {_A}/structures/{{structure}}/delegations": _DELEGATION,
    f"GET {_A}/structures/{{structure}}/delegations": {"delegations": [_DELEGATION], "next": None},
    f"POST {_A}/structures/{{structure}}/proofs": _PROOF,
    f"GET {_A}/proofs": {"proofs": [_PROOF], "next": None},
    f"POST {_A}/proofs/{{proof_id}}/approve": {**_PROOF, "state": "approved", "decided_at": _AT},
    f"GET {_A}/tenants/{{tenant}}/administrators": {
        "tenant": "cd06",
        "administrators": [{"subject": _SUBJECT, "name": "Claire Martin", "email": "claire@departement.example"}],
    },
}
