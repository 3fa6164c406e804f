"""How a typed deposit is described: its schema and two examples, in French."""

from typing import Any, Final

from invoice.cadre_form import FIELDS as CADRE_FIELDS
from invoice.labels import FIELD_LABELS
from invoice.typed import FIELDS

_LINE: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "label": {"type": "string", "description": "Ce qui est facturé."},
        "quantity": {"type": "string", "description": "Quatre décimales au plus.", "example": "2,5"},
        "unit": {"type": "string", "example": "jour"},
        "unit_price": {"type": "string", "description": "Hors taxes, six décimales au plus.", "example": "480,00"},
        "discount": {"type": "string", "description": "Remise sur la ligne, hors taxes.", "example": "0"},
        "vat_rate": {"type": "string", "description": "Taux de TVA, en pour cent.", "example": "20"},
    },
}
TYPED_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "fields": {
            "type": "object",
            "description": "Les champs de la facture. Les montants sont des textes ; un total vide est calculé.",
            "additionalProperties": False,
            "properties": {
                name: {
                    "type": ["string", "null"],
                    "description": CADRE_FIELDS[name][0] if name in CADRE_FIELDS else FIELD_LABELS[name],
                }
                for name in FIELDS
            },
        },
        "lines": {"type": ["array", "null"], "items": _LINE},
    },
}
PARTIES: Final = {
    "supplier_siret": "73282932000074",
    "supplier_name": "Menuiserie du Var",
    "supplier_address": "12 rue du Port, 06000 Nice",
    "recipient_siret": "20002983300015",
}
TYPED_EXAMPLES: Final[dict[str, Any]] = {
    "saisie": {
        "summary": "Une facture saisie, deux taux de TVA, payée par virement",
        "value": {
            "fields": {
                **PARTIES,
                "invoice_number": "F-2026-0042",
                "issue_date": "2026-03-02",
                "engagement": "CP2026-118",
                "payment_mode": "VIREMENT",
                "supplier_iban": "FR1420041010050500013M02606",
                "vat_regime": "TVA_SUR_DEBIT",
            },
            "lines": [
                {"label": "Pose de fenêtres", "quantity": "2,5", "unit": "jour", "unit_price": "480", "vat_rate": "20"},
                {"label": "Documentation", "unit_price": "35,90", "vat_rate": "5,5"},
            ],
        },
    },
    "franchise": {
        "summary": "Franchise en base : pas de TVA, la mention est ajoutée",
        "value": {
            "fields": {
                **PARTIES,
                "invoice_number": "2026-7",
                "issue_date": "02/03/2026",
                "vat_regime": "FRANCHISE",
                "payment_mode": "CHEQUE",
            },
            "lines": [{"label": "Atelier de lecture", "quantity": "3", "unit": "heure", "unit_price": "60"}],
        },
    },
}
