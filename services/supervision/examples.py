"""Answers for the API's description. Nobody in them is real."""

from typing import Any, Final

_RATES: Final = [
    {"stage": "submitted", "last_minute": 96, "per_second": 1.6, "last_hour": 5312, "last_day": 41870},
    {"stage": "available", "last_minute": 95, "per_second": 1.583, "last_hour": 5301, "last_day": 41802},
]
_TIMES: Final = [{"measure": "available", "count": 5288, "p50": 0.412, "p95": 1.126, "p99": 2.004}]
_READING: Final = {
    "since": "2026-03-01T09:00:00Z",
    "fields": 46210,
    "kept": 45103,
    "share": 0.976,
    "layouts": [
        {
            "supplier": "73282932000074",
            "source": "text",
            "fields": 880,
            "kept": 792,
            "share": 0.9,
            "corrected": ["service_code"],
        }
    ],
}
_SERVICE: Final = {
    "service": "routing",
    "away": False,
    "stopped": False,
    "unread": 12,
    "oldest_unread_seconds": 0.21,
    "outbox": 0,
    "outbox_oldest_seconds": 0.0,
    "waiting": 0,
    "waiting_oldest_seconds": 0.0,
    "dead_letters": {"SUBJECT_NOT_AN_INVOICE": 1},
}
_LETTER: Final = {
    "id": 7,
    "service": "routing",
    "state": "parked",
    "kind": "rejected",
    "reason": "SUBJECT_NOT_AN_INVOICE",
    "detail": "ce_subject must be the invoice's UUID",
    "type": "fr.chorale.invoice.submitted.v1",
    "key": "facture-1",
    "tenant": None,
    "place": "chorale.deposit.v1/3/1204",
    "attempts": 1,
    "parked_at": "2026-03-02T08:14:00Z",
}
_REASON: Final = {
    "service": "routing",
    "reason": "SUBJECT_NOT_AN_INVOICE",
    "count": 1,
    "oldest": "2026-03-02T08:14:00Z",
}
_FLOW: Final = {
    "flow": "0b0e7c52-6f7e-5e0a-9d5b-1f1a3c9e2d44",
    "finished_at": "2026-03-02T09:12:40Z",
    "received_at": "2026-03-02T09:12:03Z",
    "state": "IN_INTEGRE_PARTIEL",
    "depositor": "4b1d7c0e-8d2f-4f0e-a1c3-5a6b7c8d9e0f",
    "integrated": 196,
    "to_verify": 1,
    "rejected": 3,
    "duplicate": 0,
    "errors": [],
}
_CURVE: Final = {
    "name": "mails",
    "title": "E-mails acceptés et en échec",
    "description": "Par minute, depuis une heure : e-mails acceptés 310, e-mails en échec 2.",
    "unit": "",
    "kind": "line",
    "series": [{"name": "E-mails acceptés", "points": [{"at": "2026-03-02T09:29:00Z", "value": 5.0}]}],
}
EXAMPLES: Final[dict[str, Any]] = {
    "GET /api/v1/supervision": {
        "at": "2026-03-02T09:30:01Z",
        "standing": "operator",
        "tenants": [],
        "rates": _RATES,
        "times": _TIMES,
        "reading": _READING,
        "mails": {
            "accepted_last_hour": 310,
            "failed_last_hour": 2,
            "accepted_last_day": 4104,
            "failed_last_day": 11,
        },
        "letters": [_REASON],
        "services": [_SERVICE],
        "notices": [],
    },
    "GET /api/v1/supervision/services": [_SERVICE],
    "GET /api/v1/supervision/reading": _READING,
    "GET /api/v1/supervision/curves/{name}": _CURVE,
    "GET /api/v1/supervision/flows": {"flows": [_FLOW], "next": None},
    "GET /api/v1/supervision/dead-letters": {"letters": [_LETTER], "away": [], "next": None},
    "GET /api/v1/supervision/dead-letters/reasons": {"reasons": [_REASON], "away": []},
}
