"""Examples of the main answers, for the API's description."""

from typing import Any, Final

_ID = "0190e8a0-0000-7000-8000-000000000042"
_RECEIPT: Final[dict[str, Any]] = {
    "id": _ID,
    "state": "received",
    "label": "Lecture en cours",
    "explanation": "Votre document est enregistré ; sa lecture est en cours.",
    "file_name": "facture-0042.pdf",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "size": 48213,
    "received_at": "2026-03-02T09:30:00Z",
    "duplicate_of": None,
    "links": {
        "self": f"/api/v1/deposits/{_ID}",
        "document": f"/api/v1/deposits/{_ID}/document",
        "original": None,
        "invoice": None,
        "attachments": f"/api/v1/deposits/{_ID}/attachments",
    },
}
_PIECE = "0190e8a0-0000-7000-8000-0000000000a1"
_ATTACHMENT: Final[dict[str, Any]] = {
    "id": _PIECE,
    "name": "bon de livraison signé.png",
    "type": "BON_LIVRAISON",
    "type_label": "Bon de livraison",
    "label": "Livraison du 27 février",
    "media_type": "image/png",
    "size": 20114,
    "sha256": "9a0b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899aabbccddeef",
    "stored_at": "2026-03-12T16:02:41Z",
    "href": f"/api/v1/deposits/{_ID}/attachments/{_PIECE}/content?expires=1773332400&signature=…",
    "href_expires_at": "2026-03-12T16:20:00Z",
}
_REFUSED: Final[dict[str, Any]] = {
    **_RECEIPT,
    "state": "refused",
    "label": "Refusée",
    "explanation": "Votre dépôt est refusé : il n'a créé aucune facture et n'a pris aucun numéro. Voyez les motifs.",
    "invoice_number": "F-2026-0042",
    "read_at": "2026-03-02T09:30:02Z",
    "decided_at": "2026-03-02T09:30:02Z",
    "fields": [],
    "given": {
        "cadre": "A9",
        "validators": [{"siret": "55208131766522", "service": "COMPTA"}],
        "moe": None,
        "moa": None,
        "works_file": None,
        "previous_piece": None,
    },
    "findings": [
        {
            "code": "SERVICE_UNKNOWN",
            "level": "refuse",
            "field": "service_code",
            "value": "DHR",
            "message": "« DHR » n'est pas un code service de Budget Principal (22060001900016).",
            "action": "Corrigez le code d'après le bon de commande.",
            "suggestions": [
                {
                    "field": "service_code",
                    "value": "DRH",
                    "confidence": 0.85,
                    "why": "NEAR_CODE",
                    "sentence": "Vouliez-vous dire DRH (Direction des ressources humaines) ?",
                    "label": "Direction des ressources humaines",
                }
            ],
        }
    ],
}
EXAMPLES: Final[dict[str, Any]] = {
    "POST /api/v1/deposits": _RECEIPT,
    "GET /api/v1/deposits": {"deposits": [_RECEIPT], "next": None},
    "GET /api/v1/deposits/{deposit_id}": _REFUSED,
    "POST /api/v1/deposits/{deposit_id}/attachments": _ATTACHMENT,
    "GET /api/v1/deposits/{deposit_id}/attachments": {"attachments": [_ATTACHMENT]},
    "GET /api/v1/deposits/{deposit_id}/attachments/{attachment_id}": _ATTACHMENT,
}
