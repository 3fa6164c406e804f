"""Examples of answers for the documentation of announcements."""

from typing import Any, Final

_A: Final = "/api/v1/announcements"
_PUBLIC: Final[dict[str, Any]] = {
    "id": "0190e8a0-0000-7000-8000-000000000091",
    "kind": "code_closing",
    "tenant": "cd06",
    "tenant_name": "Département des Alpes-Maritimes",
    "structure": "22060001900016",
    "service": "TEST-ACHATS",
    "title": "Le code TEST-ACHATS ferme le 30 juin",
    "body": "À partir du 1er juillet, adressez vos factures au code TEST-MARCHES.",
    "title_en": None,
    "body_en": None,
    "starts_at": None,
    "ends_at": "2026-06-30T22:00:00Z",
    "shown_from": "2026-05-01T06:00:00Z",
    "shown_until": "2026-07-31T22:00:00Z",
}
_OWN: Final[dict[str, Any]] = {
    **_PUBLIC,
    "state": "shown",
    "version": 2,
    "made_at": "2026-04-27T09:30:00Z",
    "changed_at": "2026-04-28T08:12:00Z",
}
EXAMPLES: Final[dict[str, Any]] = {
    f"GET {_A}": {"announcements": [_PUBLIC]},
    f"GET {_A}/mine": {"announcements": [_OWN], "next": None},
    f"POST {_A}": _OWN,
    f"PUT {_A}/{{announcement}}": _OWN,
    f"DELETE {_A}/{{announcement}}": {**_OWN, "state": "withdrawn", "version": 3},
}
