"""Examples of answers about software, usage and the trail. Invented ids only."""

from typing import Any, Final

_ID: Final = "0190e8a0-0000-7000-8000-000000000042"
_SECRET_ID: Final = "0190e8a0-0000-7000-8000-000000000043"
_MAKER: Final = "person:6f0c2a9e-0000-4000-8000-000000000042"
_AT: Final = "2026-03-02T09:30:00Z"
_END: Final = "2027-03-02T09:30:00Z"
_SOFTWARE: Final[dict[str, Any]] = {
    "client_id": _ID,
    "subject": f"software:{_ID}",
    "structure": "99900001100018",
    "tenant": None,
    "name": "Logiciel de gestion",
    "roles": ["FOURNISSEUR"],
    "services": [],
    "scopes": ["deposits.write", "invoices.read"],
    "writes_each_minute": 600,
    "writes_each_day": 200_000,
    "made_by": _MAKER,
    "made_by_name": "Claire Martin",
    "made_by_manages": True,
    "made_at": _AT,
    "changed_at": _AT,
    "last_used_at": _AT,
    "revoked_at": None,
    "secrets": [
        {
            "id": _SECRET_ID,
            "hint": "k7Qw",
            "made_at": _AT,
            "made_by": _MAKER,
            "made_by_name": "Denis Roux",
            "made_by_manages": False,
            "expires_at": _END,
            "last_used_at": _AT,
            "revoked_at": None,
            "state": "active",
        }
    ],
}
_USAGE: Final[dict[str, Any]] = {
    "first": "2026-03-01",
    "last": "2026-03-02",
    "rows": [
        {
            "day": "2026-03-02",
            "client": f"software:{_ID}",
            "tenant": "",
            "area": "deposits",
            "act": "write",
            "requests": 412,
            "refused": 3,
            "failed": 0,
        }
    ],
    "requests": 412,
    "missing": [],
}
EXAMPLES: Final[dict[str, Any]] = {
    "GET /api/v1/accounts/software": {"software": [_SOFTWARE], "next": None},
    "POST /api/v1/accounts/software": _SOFTWARE,
    "GET /api/v1/accounts/software/{client_id}": _SOFTWARE,
    "PATCH /api/v1/accounts/software/{client_id}": _SOFTWARE,
    "POST /api/v1/accounts/software/{client_id}/secrets": {
        "id": _SECRET_ID,
        "client_id": _ID,
        "client_secret": "chorale_…k7Qw",
        "expires_at": _END,
    },
    "GET /api/v1/accounts/software/{client_id}/usage": _USAGE,
    "GET /api/v1/accounts/usage": _USAGE,
    "GET /api/v1/accounts/audit": {
        "entries": [
            {
                "id": 4711,
                "at": _AT,
                "actor": _MAKER,
                "action": "software.made",
                "about": f"software:{_ID}",
                "structure": "99900001100018",
                "tenant": None,
                "details": {"roles": ["FOURNISSEUR"]},
                "trace": None,
            }
        ],
        "next": None,
    },
}
