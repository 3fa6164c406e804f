"""What French firms print beside their figures: per datum, wordings of the train layouts and wordings held out.

The lists are written from usage and not from the reader's vocabulary, which knows some of them and not others. A test
layout draws from both parts, a train layout from the first only.
"""

from typing import Final, NamedTuple


class Choice(NamedTuple):
    """``common`` may stand in any layout; ``held`` in test layouts alone."""

    common: tuple[str, ...]
    held: tuple[str, ...] = ()


LABELS: Final[dict[str, Choice]] = {
    "invoice_number": Choice(
        (
            "Facture n°", "N° facture", "N° de facture", "Numéro de facture", "Facture no", "Facture numéro",
            "Numéro facture", "Réf. facture", "Référence facture", "Facture", "N° de pièce", "FACTURE N°",
        ),
        (
            "N° de la facture", "Facture nº", "Num. facture", "Numéro de pièce", "Pièce n°", "N° du document",
            "Document n°", "No de facture", "Numéro du document", "Réf. de la facture",
        ),
    ),
    "credit_number": Choice(
        ("Avoir n°", "N° d'avoir", "Numéro d'avoir", "N° avoir", "Note de crédit n°", "Facture d'avoir n°"),
        ("Avoir numéro", "Réf. avoir", "N° de l'avoir", "Note d'avoir n°", "Numéro de l'avoir"),
    ),
    "issue_date": Choice(
        (
            "Date", "Date de facture", "Date facture", "Date de facturation", "Date d'émission", "Émise le", "Du",
            "En date du", "Date de la facture", "Établie le", "Date d'émission de la facture",
        ),
        (
            "Date d'établissement", "Date du document", "Date de pièce", "Fait le", "Éditée le", "Facturé le",
            "Date pièce", "Émission", "Date émission",
        ),
    ),
    "due_date": Choice(
        (
            "Échéance", "Date d'échéance", "Date échéance", "Échéance le", "À régler avant le", "À payer avant le",
            "Date limite de paiement", "Payable au plus tard le", "Échéance au",
        ),
        (
            "À régler pour le", "Règlement attendu le", "Date limite de règlement", "Paiement dû le", "Exigible le",
            "Paiement avant le", "Payable le", "Date d'éch.", "Règlement au plus tard le", "À acquitter avant le",
        ),
    ),
    "total_excl_tax": Choice(
        (
            "Total HT", "Montant HT", "Total hors taxes", "Total H.T.", "Montant total HT", "Total net HT", "Net HT",
            "Montant hors taxes", "Total général HT", "Total hors taxe", "Base HT",
        ),
        (
            "Total (HT)", "Montant net HT", "Total hors TVA", "Prix total HT", "Somme HT", "Total HTVA", "HT",
            "Total en euros HT", "Valeur totale HT", "Total de la facture HT", "Montant H.T. en euros",
        ),
    ),
    "tax": Choice(
        (
            "TVA", "Total TVA", "Montant TVA", "T.V.A.", "Montant total TVA", "Total de la TVA", "Montant de la TVA",
            "Total T.V.A.", "TVA totale",
        ),
        (
            "Taxes", "Total taxes", "Total des taxes", "Taxe", "Montant des taxes", "TVA facturée", "TVA due",
            "Taxe sur la valeur ajoutée", "Somme TVA",
        ),
    ),
    "total_incl_tax": Choice(
        (
            "Total TTC", "Montant TTC", "Total T.T.C.", "Montant total TTC", "Total toutes taxes comprises",
            "Total général TTC", "TTC", "Total facture TTC",
        ),
        (
            "Total (TTC)", "Montant de la facture TTC", "Total de la facture", "Prix TTC", "Somme TTC",
            "Montant toutes taxes comprises", "Total avec TVA", "Total en euros TTC", "Total TVA comprise",
            "Total TVA incluse",
        ),
    ),
    "prepaid": Choice(
        (
            "Acompte", "Acompte versé", "Acomptes versés", "Déjà réglé", "Déjà payé", "Acompte reçu",
            "Acompte déduit", "Montant déjà réglé", "Règlements reçus",
        ),
        (
            "Acompte perçu", "Avance versée", "À déduire : acompte", "Versement reçu", "Paiement reçu",
            "Total déjà versé", "Somme déjà versée", "Acompte à la commande",
        ),
    ),
    "payable": Choice(
        (
            "Net à payer", "Montant à payer", "Reste à payer", "Solde à payer", "Total à payer", "Net à payer TTC",
            "Somme à payer", "Net à payer EUR", "Net à payer en euros", "Montant dû",
        ),
        (
            "À régler", "Reste dû", "Solde dû", "Montant à régler", "Net à régler", "Reste à régler", "Total dû",
            "À payer", "Montant net à payer", "Somme due", "Solde restant dû",
        ),
    ),
    "credit_payable": Choice(
        ("Net à payer", "Net à déduire", "Montant à déduire", "Montant de l'avoir"),
        ("Net à rembourser", "À votre crédit", "Total à votre crédit", "Net en votre faveur"),
    ),
    "engagement": Choice(
        (
            "N° engagement", "Engagement", "EJ", "Engagement juridique", "Numéro d'engagement", "Bon de commande",
            "Bon de commande n°", "N° commande", "N° de commande", "Votre commande n°", "Commande n°", "N° EJ", "BC",
            "N° bon de commande", "Réf. commande", "Engagement n°", "Votre commande",
        ),
        (
            "N° d'EJ", "Numéro d'engagement juridique", "V/commande", "Votre bon de commande", "Votre n° de commande",
            "Réf. engagement", "Réf. bon de commande", "N° d'engagement (Chorus Pro)", "Numéro de bon de commande",
            "N° BC", "Cde n°", "V/Cde", "Votre cde", "Référence de commande", "Commande client",
        ),
    ),
    "service_code": Choice(
        (
            "Code service", "Service exécutant", "Code du service", "Code service exécutant", "Service destinataire",
            "Code service Chorus", "Code service Chorus Pro",
        ),
        (
            "Service Chorus", "Code Service (Chorus Pro)", "Réf. service", "Code serv.", "Code exécutant",
            "Code du service exécutant", "Service destinataire (code)",
        ),
    ),
    "contract": Choice(
        (
            "N° de marché", "Marché n°", "Marché", "Réf. marché", "N° marché", "Numéro de marché",
            "Marché public n°",
        ),
        (
            "N° du marché", "Référence marché", "Réf. du marché", "Marché réf.", "Accord-cadre n°",
            "Numéro du marché public", "N° marché public",
        ),
    ),
    "preceding_invoice": Choice(
        (
            "Avoir sur facture n°", "Facture d'origine", "Annule la facture n°", "Facture concernée",
            "Sur facture n°", "Concerne la facture n°", "Facture d'origine n°",
        ),
        (
            "Facture rectifiée", "Facture initiale n°", "Facture créditée", "En annulation de la facture n°",
            "Relatif à la facture n°", "Avoir relatif à la facture n°",
        ),
    ),
    "supplier_siret": Choice(
        ("SIRET", "N° SIRET", "Siret", "SIRET n°", "Numéro SIRET", "N° Siret"),
        ("N° d'identification SIRET", "Identifiant SIRET", "Siret n°", "N°SIRET", "S.I.R.E.T.", "Siret :"),
    ),
    "supplier_siren": Choice(("SIREN", "N° SIREN", "Siren", "RCS"), ("SIREN n°", "Numéro SIREN", "R.C.S.")),
    "supplier_vat": Choice(
        (
            "N° TVA", "TVA", "N° TVA intracommunautaire", "TVA intracom.", "N° de TVA", "TVA intra", "Identifiant TVA",
            "N° TVA intracom", "TVA intracommunautaire", "TVA intracommunautaire n°",
        ),
        (
            "N° id. TVA", "N° d'identification TVA", "Id. TVA", "Code TVA", "Num. TVA intra.", "Numéro de TVA",
            "Ident. TVA", "N° TVA CEE",
        ),
    ),
    "recipient_siret": Choice(
        ("SIRET client", "SIRET destinataire", "SIRET du client", "N° SIRET client", "SIRET acheteur", "SIRET"),
        (
            "SIRET de l'acheteur", "Siret facturé", "SIRET payeur", "N° SIRET du destinataire", "Votre n° SIRET",
            "SIRET débiteur", "Identifiant structure (SIRET)", "Votre SIRET", "Siret de facturation",
        ),
    ),
    "recipient_siren": Choice(("SIREN client", "SIREN", "N° SIREN client"), ("SIREN de l'acheteur", "Votre SIREN")),
    "recipient_vat": Choice(
        ("N° TVA client", "Votre n° TVA", "TVA client"), ("Votre TVA intracommunautaire", "N° TVA acheteur")
    ),
    "supplier_iban": Choice(
        ("IBAN", "Code IBAN", "N° IBAN", "IBAN n°"), ("I.B.A.N.", "IBAN du compte", "Compte (IBAN)", "Compte bancaire")
    ),
    "payment_mode": Choice(
        ("Mode de règlement", "Mode de paiement", "Règlement", "Moyen de paiement", "Mode de réglement"),
        ("Type de paiement", "Modalité de paiement", "Modalités de règlement", "Paiement par", "Forme du règlement"),
    ),
}  # fmt: skip

PAYMENTS: Final[dict[str, Choice]] = {
    "VIREMENT": Choice(
        ("Virement", "Virement bancaire", "Par virement", "Virement SEPA", "VIREMENT"),
        ("Virement à 30 jours", "Virement administratif", "Par virement à réception", "Mandat administratif, virement"),
    ),
    "PRELEVEMENT": Choice(
        ("Prélèvement", "Prélèvement SEPA", "Prélèvement automatique"), ("Par prélèvement", "Prélèvt automatique")
    ),
    "CHEQUE": Choice(("Chèque", "Chèque bancaire", "Par chèque"), ("Chèque à réception", "Chèque à 30 jours")),
    "ESPECE": Choice(("Espèces",), ("En espèces",)),
}

REGIMES: Final[dict[str, Choice]] = {
    "TVA_SUR_DEBIT": Choice(
        (
            "TVA acquittée sur les débits", "TVA sur les débits", "TVA payée sur les débits",
            "Option pour le paiement de la TVA d'après les débits",
        ),
        (
            "Le vendeur a opté pour le paiement de la taxe d'après les débits", "TVA exigible d'après les débits",
            "Taxe acquittée sur les débits",
        ),
    ),
    "TVA_SUR_ENCAISSEMENT": Choice(
        ("TVA sur les encaissements", "TVA acquittée sur les encaissements", "TVA exigible sur les encaissements"),
        ("TVA exigible à l'encaissement", "TVA selon les encaissements"),
    ),
    "AUTOLIQUIDATION": Choice(
        (
            "Autoliquidation", "Autoliquidation de la TVA, article 283-2 nonies du CGI",
            "TVA due par le preneur assujetti, autoliquidation en application de l'article 283 du CGI",
        ),
        ("TVA due par le preneur (article 283-2 du CGI)", "Auto-liquidation de la TVA par le preneur"),
    ),
    "EXONERATION": Choice(
        (
            "Exonération de TVA, article 261-4-4° du CGI", "Exonéré de TVA - art. 261 du CGI",
            "TVA exonérée en application de l'article 261 C du CGI",
        ),
        ("Opération exonérée de taxe (art. 261-7 du CGI)", "Exonérée de TVA, art. 261-4 du CGI"),
    ),
    "FRANCHISE": Choice(
        (
            "TVA non applicable, art. 293 B du CGI", "TVA non applicable, article 293 B du Code général des impôts",
            "TVA non applicable - art 293B du CGI",
        ),
        ("Franchise en base de TVA (art. 293 B du CGI)", "Dispensé de TVA, article 293 B du CGI"),
    ),
}  # fmt: skip

TITLES: Final = Choice(("FACTURE", "Facture"), ("Votre facture", "Facture définitive", "Facture de prestations"))
CREDIT_TITLES: Final = Choice(("AVOIR", "Avoir", "Facture d'avoir"), ("Note de crédit", "NOTE D'AVOIR"))
RECIPIENT_HEADS: Final = Choice(
    ("Destinataire", "Client", "Facturé à", "Adresse de facturation", "Acheteur", "Facturer à", "À l'attention de", ""),
    ("Adressé à", "Payeur", "Débiteur", "Doit", "Collectivité", "Pouvoir adjudicateur", "Établissement facturé"),
)
SUPPLIER_HEADS: Final = Choice(
    ("Émetteur", "Fournisseur", "Vendeur", "Prestataire", "", "", ""), ("Entreprise", "Titulaire", "Créancier", "De")
)
DELIVERY_HEADS: Final = Choice(
    ("Adresse de livraison", "Livré à", "Lieu de livraison"),
    ("Lieu d'intervention", "Adresse du chantier", "Livraison"),
)
COLUMNS: Final[dict[str, Choice]] = {
    "ref": Choice(("Réf.", "Référence", "Code"), ("Article", "Code article")),
    "label": Choice(("Désignation", "Description", "Libellé"), ("Prestation", "Nature des travaux", "Objet")),
    "quantity": Choice(("Qté", "Quantité", "Qté."), ("Nb", "Nombre")),
    "unit": Choice(("Unité", "U"), ("U.M.",)),
    "price": Choice(("PU HT", "Prix unitaire HT", "P.U. HT", "Prix unit."), ("P.U.", "Prix HT", "PU net HT")),
    "rate": Choice(("TVA", "% TVA", "Taux TVA"), ("Taux", "TVA %")),
    "amount": Choice(("Montant HT", "Total HT", "Total"), ("Montant", "Prix total HT", "Net HT")),
}
VAT_COLUMNS: Final[dict[str, Choice]] = {
    "rate": Choice(("Taux", "Taux TVA", "TVA", "% TVA"), ("Taux de TVA", "Taux en %")),
    "base": Choice(("Base HT", "Base", "Montant HT", "Total HT"), ("Base taxable", "Base imposable", "Assiette")),
    "tax": Choice(("Montant TVA", "TVA", "Total TVA"), ("Montant taxe", "Taxe", "Mt TVA")),
    "total": Choice(("TTC", "Montant TTC", "Total TTC"), ("Mt TTC",)),
}
