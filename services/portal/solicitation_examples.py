"""Examples of answers for the documentation of sollicitations and announcements. Invented people only."""

from typing import Any, Final

_S: Final = "/api/v1/solicitations"
_ID: Final = "0190e8a0-0000-7000-8000-000000000077"
_INVOICE: Final = "0190e8a0-0000-7000-8000-000000000042"
_FILE: Final[dict[str, Any]] = {
    "id": "0190e8a0-0000-7000-8000-000000000078",
    "name": "bon-de-livraison.pdf",
    "size": 48210,
    "available": True,
}
_ITEM: Final[dict[str, Any]] = {
    "id": _ID,
    "reference": "S-0000042",
    "category": "FACTURES_EMISES",
    "subcategory": "RETARD_PAIEMENT",
    "label": "Factures émises – Retard de paiement, intérêts",
    "title": "Facture F-2026-0042 : paiement attendu",
    "state": "answered",
    "state_label": "Répondue",
    "turn": "asker",
    "my_turn": True,
    "late": False,
    "asker": {
        "kind": "supplier",
        "label": "Fournisseur",
        "structure": "73282932000074",
        "name": "Menuiserie du Port",
        "service": None,
        "mine": True,
    },
    "addressee": {
        "kind": "body",
        "label": "Organisme public",
        "structure": "22060001900016",
        "name": "Département des Alpes-Maritimes – Budget Principal",
        "service": "TEST-ACHATS",
        "mine": False,
    },
    "invoice": _INVOICE,
    "invoice_number": "F-2026-0042",
    "asked_at": "2026-04-13T09:30:00Z",
    "due_at": None,
    "changed_at": "2026-04-15T14:05:00Z",
}
_VIEW: Final[dict[str, Any]] = {
    **_ITEM,
    "page": f"/factures/{_INVOICE}",
    "days": 8,
    "closed_at": None,
    "may": ["ask_again", "close"],
    "history": [
        {
            "entry": 1,
            "act": "asked",
            "label": "Question posée",
            "side": "asker",
            "mine": True,
            "author": "Claire Martin",
            "text": "Bonjour, le délai de paiement est passé depuis dix jours. Que manque-t-il ?",
            "at": "2026-04-13T09:30:00Z",
            "attachments": [_FILE],
        },
        {
            "entry": 2,
            "act": "answered",
            "label": "Réponse",
            "side": "addressee",
            "mine": False,
            "author": None,
            "text": "Bonjour, le mandat est parti hier chez le comptable : comptez trois jours.",
            "at": "2026-04-15T14:05:00Z",
            "attachments": [],
        },
    ],
}
_CATEGORY: Final[dict[str, Any]] = {
    "code": "FACTURES_EMISES",
    "label": "Factures émises",
    "label_en": "Issued invoices",
    "subcategories": [
        {
            "code": "RETARD_PAIEMENT",
            "label": "Retard de paiement, intérêts",
            "label_en": "Late payment, interest",
            "addressee": "body",
            "days": 8,
            "invoice_needed": True,
        }
    ],
}
EXAMPLES: Final[dict[str, Any]] = {
    f"GET {_S}/categories": [_CATEGORY],
    f"GET {_S}": {"solicitations": [_ITEM], "next": None},
    f"POST {_S}": _VIEW,
    f"POST {_S}/attachments": _FILE,
    f"GET {_S}/{{solicitation}}": _VIEW,
    f"POST {_S}/{{solicitation}}/messages": _VIEW,
    f"POST {_S}/{{solicitation}}/close": {
        **_VIEW,
        "state": "closed",
        "state_label": "Close",
        "turn": None,
        "my_turn": False,
        "may": [],
        "closed_at": "2026-04-16T08:00:00Z",
        "changed_at": "2026-04-16T08:00:00Z",
    },
}
