"""Examples of the main answers, for the API's description."""

from typing import Any, Final

from services.common.looks import LOOK

_ITEM: Final[dict[str, Any]] = {
    "id": "0190e8a0-0000-7000-8000-000000000042",
    "number": "F-2026-0042",
    "issue_date": "2026-03-01",
    "submitted_at": "2026-03-02T09:30:02Z",
    "supplier_siret": "99900001100018",
    "recipient": {
        "siret": "22060001900016",
        "name": "Département des Alpes-Maritimes – Budget Principal",
        "service_code": "DRH",
        "service_label": "Direction des ressources humaines",
    },
    "payable": "1234.50",
    "currency": "EUR",
    "status": {
        "code": "MISE_A_DISPOSITION",
        "label": "Mise à disposition",
        "explanation": "Le destinataire a reçu votre facture.",
        "terminal": False,
        "since": "2026-03-02T09:30:03Z",
    },
    "turn": {"actor": "D", "label": "Au destinataire d'agir"},
    "payment_delay": {
        "started_on": "2026-03-02",
        "started_at": "2026-03-02T09:30:05Z",
        "due_on": "2026-04-01",
        "state": "running",
        "state_label": "Le délai de paiement court.",
        "source": "notice",
        "explanation": "Le délai court depuis l'acceptation de l'avis envoyé par courriel au destinataire.",
    },
    "cadre": "A1",
    "cadre_label": "Facture",
    "works_file": None,
    "answer_by": None,
}
EXAMPLES: Final[dict[str, Any]] = {
    "GET /api/v1/invoices": {"invoices": [_ITEM], "next": None},
    "GET /api/v1/invoices/looks": {"looks": [LOOK], "next": None},
}
