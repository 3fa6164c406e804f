"""The names of an invoice's fields, in French, as screens and e-mails show them."""

FIELD_LABELS = {
    "invoice_number": "Numéro de facture",
    "issue_date": "Date de facture",
    "type_code": "Type de pièce",
    "currency": "Devise",
    "cadre": "Cadre de facturation",
    "supplier_siret": "SIRET du fournisseur",
    "recipient_siret": "SIRET du destinataire",
    "service_code": "Code service",
    "engagement": "Numéro d'engagement",
    "contract": "Numéro de marché",
    "total_excl_tax": "Total hors taxes",
    "tax": "Total de TVA",
    "total_incl_tax": "Total toutes taxes comprises",
    "payable": "Net à payer",
    "prepaid": "Somme déjà payée",
}
