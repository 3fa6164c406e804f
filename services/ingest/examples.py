"""Examples of the main answers, for the API's description: a table, in one file however long."""

from typing import Any, Final

from services.common.looks import LOOK

_ID = "0190e8a0-0000-7000-8000-000000000042"
_RECEIPT: Final[dict[str, Any]] = {
    "id": _ID,
    "state": "received",
    "label": "Reçu",
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
        "draft": None,
        "certificate": None,
    },
}
_PIECE = "0190e8a0-0000-7000-8000-0000000000a1"
_ATTACHMENT: Final[dict[str, Any]] = {
    "id": _PIECE,
    "name": "bon de livraison signé.png",
    "short_name": "bon de livraison signé.png",
    "type": "BON_LIVRAISON",
    "type_label": "Bon de livraison",
    "label": "Livraison du 27 février",
    "media_type": "image/png",
    "size": 20114,
    "sha256": "9a0b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899aabbccddeef",
    "stored_at": "2026-03-12T16:02:41Z",
    "href": f"/api/v1/deposits/{_ID}/attachments/{_PIECE}/content?expires=1773332400&holder=…&signature=…",
    "href_expires_at": "2026-03-12T16:20:00Z",
}
_REFUSED: Final[dict[str, Any]] = {
    **_RECEIPT,
    "state": "refused",
    "label": "Refusé",
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
_DRAFT_LINKS: Final = {
    "self": f"/api/v1/drafts/{_ID}",
    "submit": f"/api/v1/drafts/{_ID}/submit",
    "deposit": f"/api/v1/deposits/{_ID}",
    "attachments": f"/api/v1/deposits/{_ID}/attachments",
    "document": None,
}
_DRAFT_LINE: Final[dict[str, Any]] = {
    "id": _ID,
    "sent": False,
    "label": "Brouillon, non envoyé",
    "explanation": "Brouillon : cette facture n'est PAS envoyée.",
    "version": 3,
    "file_name": "brouillon sans document",
    "invoice_number": "F-2026-0042",
    "recipient_siret": "20002983300015",
    "made_at": "2026-03-02T09:30:00Z",
    "saved_at": "2026-03-02T09:41:07Z",
    "links": _DRAFT_LINKS,
}
_DRAFT: Final[dict[str, Any]] = {
    **_DRAFT_LINE,
    "fields": [
        {
            "name": "engagement",
            "label": "Numéro d'engagement",
            "value": "CP2026-118",
            "source": "typed",
            "evidence": None,
            "proposals": [],
        }
    ],
    "lines": [
        {
            "label": "Pose de fenêtres",
            "quantity": "2",
            "unit": "jour",
            "unit_price": "480",
            "discount": "",
            "vat_rate": "20",
        }
    ],
    "computed": {
        "total_excl_tax": "960.00",
        "tax": "192.00",
        "total_incl_tax": "1152.00",
        "vat": [{"rate": "20", "base": "960.00", "amount": "192.00"}],
    },
    "checks": [
        {
            "code": "FORM_IBAN_MISSING",
            "level": "refuse",
            "field": "supplier_iban",
            "message": "Le règlement par virement demande l'IBAN du compte à créditer.",
            "action": "Indiquez l'IBAN de votre relevé d'identité bancaire, ou choisissez un autre mode de règlement.",
        }
    ],
    "ready": False,
    "reading": [],
    "pages": None,
    "copied_from": None,
}
CERTIFICATE: Final[dict[str, Any]] = {
    "certificate": {
        "kind": "chorale.certificat-de-depot.v1",
        "deposit": _ID,
        "submitted_at": "2026-03-02T09:30:02.125000Z",
        "invoice_number": "F-2026-0042",
        "issue_date": "2026-03-02",
        "cadre": "A1_FACTURE_FOURNISSEUR",
        "supplier_siret": "73282932000074",
        "recipient_siret": "20002983300015",
        "payable": "1152.00",
        "currency": "EUR",
        "files": [
            {
                "role": "facture",
                "name": "facture-F-2026-0042.pdf",
                "sha256": "9a0b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899aabbccddeef",
                "size": 20114,
            }
        ],
    },
    "signature": {"algorithm": "Ed25519", "key": "5f0c3a1be2d94477", "value": "…"},
}
_SENT: Final[dict[str, Any]] = {
    **_RECEIPT,
    "state": "submitted",
    "label": "Déposée",
    "explanation": "Votre facture est déposée ; elle est en route vers son destinataire.",
    "links": {
        **_RECEIPT["links"],
        "invoice": f"/api/v1/invoices/{_ID}",
        "certificate": f"/api/v1/certificates/{_ID}",
    },
}
_QUESTIONS: Final[dict[str, Any]] = {
    "first": "situation",
    "questions": [
        {
            "name": "situation",
            "text": "Quelle est votre situation ?",
            "answers": [
                {
                    "text": "Je suis sous-traitant, payé directement par l'organisme public.",
                    "next": "subcontractor",
                    "cadre": None,
                    "hint": None,
                }
            ],
        }
    ],
    "cadres": [
        {
            "code": "A9",
            "api": "A9_FACTURE_SOUSTRAITANT",
            "label": "Facture d'un sous-traitant",
            "role": "FOURNISSEUR",
            "validators_min": 1,
            "validators_max": 2,
            "moe": "no",
            "moa": "no",
            "after": [],
        }
    ],
}
_KEYS: Final[dict[str, Any]] = {
    "keys": [
        {
            "id": "5f0c3a1be2d94477",
            "algorithm": "Ed25519",
            "pem": "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n",
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_until": None,
        }
    ]
}
_FLOW: Final[dict[str, Any]] = {
    "id": _ID,
    "state": "IN_INTEGRE_PARTIEL",
    "label": "Intégré en partie",
    "receivable": "QP_RECEVABLE",
    "file_name": "factures-mars.zip",
    "kind": "zip",
    "way": "request",
    "size": 48213,
    "stored": 48213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "begun_at": "2026-03-02T09:30:00Z",
    "received_at": "2026-03-02T09:30:01Z",
    "finished_at": "2026-03-02T09:30:09Z",
    "entries": 3,
    "entries_read": 3,
    "items": 3,
    "counts": {"integrated": 2, "rejected": 1},
    "progress": 1.0,
    "messages": [],
    "repeated": False,
    "links": {
        "self": f"/api/v1/flows/{_ID}",
        "items": f"/api/v1/flows/{_ID}/items",
        "report": f"/api/v1/flows/{_ID}/report.pdf",
        "repeat_of": None,
    },
}
_ITEMS: Final[dict[str, Any]] = {
    "items": [
        {
            "number": 3,
            "name": "mars/facture-0042.xml",
            "outcome": "rejected",
            "label": "Non intégrée",
            "invoice_number": "F-2026-0042",
            "supplier": "73282932000074",
            "recipient": "20002983300015",
            "deposit": _ID,
            "duplicate_of": None,
            "settled_at": "2026-03-02T09:30:08Z",
            "messages": [
                {
                    "rule": "DOUBLON",
                    "level": "refuse",
                    "field": "invoice_number",
                    "value": "F-2026-0042",
                    "message": "La facture « F-2026-0042 » de 2026, du SIREN 732829320, est déjà enregistrée.",
                    "action": "S'il s'agit d'une autre facture, donnez-lui un autre numéro.",
                }
            ],
        }
    ],
    "next": None,
}
#: Tables are no JSON: the description of their routes takes these by name.
FLOWS_CSV: Final = (
    "\ufeffid;fichier;envoye_le;recu_le;termine_le;etat;libelle_etat;recevable;type;taille_octets;factures;deposees;"
    "a_verifier;non_integrees;deja_deposees;fichiers_laisses;en_attente;mention\r\n"
    f"{_ID};factures-mars.zip;2026-03-02T09:30:00+00:00;2026-03-02T09:30:01+00:00;2026-03-02T09:30:09+00:00;"
    "IN_INTEGRE_PARTIEL;Intégré en partie : voyez les factures qui ne sont pas déposées;QP_RECEVABLE;zip;48213;3;2;0;1;"
    "0;0;0;\r\n"
)
DEPOSITS_CSV: Final = (
    "\ufeffid;fichier;recu_le;etat;libelle_etat;traite_le;numero_facture;siret_fournisseur;siret_destinataire;"
    "net_a_payer;devise;doublon_de;taille_octets;sha256;mention\r\n"
    f"{_ID};facture-0042.pdf;2026-03-02T09:30:00+00:00;submitted;Déposée;2026-03-02T09:30:02+00:00;F-2026-0042;"
    f"73282932000074;20002983300015;1152,00;EUR;;48213;{_RECEIPT['sha256']};\r\n"
)
_GENUINE: Final = {
    "valid": True,
    "code": "VALID",
    "reason": "Le certificat est authentique et entier.",
    "key": "5f0c3a1be2d94477",
    "certificate": CERTIFICATE["certificate"],
}
EXAMPLES: Final[dict[str, Any]] = {
    "POST /api/v1/drafts/{draft_id}/submit": _SENT,
    "PUT /api/v1/drafts/{draft_id}/document": {**_RECEIPT, "state": "to_verify", "label": "À vérifier"},
    "GET /api/v1/drafts/questions": _QUESTIONS,
    "GET /api/v1/certificates/keys": _KEYS,
    "POST /api/v1/deposits/{deposit_id}/attachments/reuse": _ATTACHMENT,
    "GET /api/v1/deposits/{deposit_id}/attachments/reusable": {"attachments": [_ATTACHMENT]},
    "POST /api/v1/deposits/{deposit_id}/as-attachment": _ATTACHMENT,
    "POST /api/v1/flows": _FLOW,
    "GET /api/v1/flows": {"flows": [_FLOW], "next": None},
    "GET /api/v1/flows/{flow_id}": _FLOW,
    "GET /api/v1/flows/{flow_id}/items": _ITEMS,
    "GET /api/v1/drafts": {"drafts": [_DRAFT_LINE], "next": None},
    "POST /api/v1/drafts": _DRAFT,
    "GET /api/v1/drafts/{draft_id}": _DRAFT,
    "PATCH /api/v1/drafts/{draft_id}": _DRAFT,
    "GET /api/v1/certificates/{deposit_id}": CERTIFICATE,
    "POST /api/v1/certificates/verify": _GENUINE,
    "POST /api/v1/certificates/verify/file": _GENUINE,
    "POST /api/v1/deposits": _RECEIPT,
    "GET /api/v1/deposits/looks": {
        "looks": [{**LOOK, "subject": "commande:a.martin", "what": "python -m services.ingest originals export"}],
        "next": None,
    },
    "GET /api/v1/deposits": {"deposits": [_RECEIPT], "next": None},
    "GET /api/v1/deposits/{deposit_id}": _REFUSED,
    "POST /api/v1/deposits/{deposit_id}/attachments": _ATTACHMENT,
    "GET /api/v1/deposits/{deposit_id}/attachments": {"attachments": [_ATTACHMENT]},
    "GET /api/v1/deposits/{deposit_id}/attachments/{attachment_id}": _ATTACHMENT,
}
