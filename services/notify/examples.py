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
EXAMPLES: Final[dict[str, Any]] = {
    "GET /api/v1/messages": {"messages": [_MESSAGE], "next": None},
    "GET /api/v1/messages/managers": {"managers": [_MANAGER]},
}
