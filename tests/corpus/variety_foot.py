"""What stands below the totals and at the foot of every page: payment, bank, mentions, legal lines, conditions."""

from random import Random
from typing import Final

from tests.corpus.variety_bill import Bill
from tests.corpus.variety_firms import iban_of
from tests.corpus.variety_head import LEFT, MIDDLE, RIGHT, sheet_note, supplier_ids
from tests.corpus.variety_pairs import Pair, inline, pairs
from tests.corpus.variety_sheet import Sheet
from tests.corpus.variety_words import PAYMENTS, REGIMES

_CONDITIONS: Final = (
    "En cas de retard de paiement, pénalités au taux de 3 fois l'intérêt légal, soit 12,21 %.",
    "Indemnité forfaitaire pour frais de recouvrement en cas de retard : 40,00 €.",
    "Escompte pour paiement anticipé : néant.",
    "Aucun escompte pour règlement anticipé. Réserve de propriété, loi n° 80-335 du 12 mai 1980.",
    "Conditions de règlement : 30 jours nets à compter de la réception.",
    "Délai global de paiement : 30 jours (article R. 2192-10 du code de la commande publique).",
    "Nos prix s'entendent départ usine. Tribunal compétent : Toulouse.",
)
_CLUTTER: Final = (
    "Montant du marché : 250 000,00 € HT", "Dont éco-participation : 1,84 €", "Poids total : 1 250,00 kg",
    "Échéance du contrat d'entretien : 31/12/2027", "Assurance décennale n° 77889900 - couverture France",
    "Total des heures : 38,50", "Devis accepté le 04/01/2023, n° D2301-55", "Solde précédent : 412,60 €",
    "Votre conseiller : 05 61 00 11 22, du lundi au vendredi", "Organisme de formation n° 73 31 01234 31",
    "Prochaine facture le 15/01/2028", "Relevé de compteur : 104 556", "Contre-valeur : 1 350,00 USD à titre indicatif",
    "Commande passée par Mme Delrieu, poste 4512", "Encours autorisé : 15 000,00 €", "Remise exceptionnelle : 0,00 €",
)  # fmt: skip
_HELD_CLUTTER: Final = (
    "Total TTC des factures en attente : 2 450,00 €", "Net à payer de la facture précédente : 330,00 €",
    "Date de mise en service : 01/02/2022", "Vous nous avez confié 14 commandes en 2022",
    "Cumul TTC facturé à ce jour : 12 480,00 €", "Avoir n° AV22-7 du 03/02/2022 : -45,00 €",
    "SIRET du sous-traitant : 999 000 011 00018", "Marché notifié le 12/01/2022 pour 48 mois",
    "Référence bancaire : 30004 00823 00010203040 55", "N° de TVA du mandataire : FR12999000011",
    "Acomptes à venir : 3 x 120,00 €", "TVA récupérable estimée : 12,40 €", "Montant minimum de commande : 90,00 € HT",
    "Prochaine échéance du contrat : 30/09/2029", "Service client : code 4431, réponse sous 48 h",
    "Votre précédente commande : BC2022-118", "Taux de change indicatif : 1 EUR = 1,08 USD",
    "Prélèvement de vos factures : pensez à notre mandat SEPA", "Consommation : 12 450 kWh à 0,1824 €/kWh",
    "Agence de Tarbes, SIRET 999 000 011 00026",
)  # fmt: skip


def foot(sheet: Sheet, bill: Bill, *, last: bool) -> None:
    """The legal lines, on every page alike."""
    style, firm = sheet.style, bill.firm
    capital = f"{firm.capital:,.2f}" if "long_rates" in style.flags else f"{firm.capital:,}"
    money = capital.replace(",", " ").replace(".", ",") if "." in capital else capital.replace(",", " ")
    first = f"{firm.name} - {firm.form} au capital de {money} €" if firm.form != "EI" else f"{firm.name} - EI"
    first += f" - {firm.street}, {firm.postcode} {firm.town}"
    size = style.size * 0.82
    sheet.text(MIDDLE, 52, first, size=size, align="centre", most=RIGHT - LEFT)
    parts = []
    if style.is_["ids"] in ("foot", "both"):
        form = style.is_["pair"] if style.is_["pair"] in ("colon", "tight", "glued", "spaced") else "colon"
        for pair in supplier_ids(sheet, bill):
            parts.append(inline(sheet, pair, form))
            sheet_note(sheet, pair)
    parts.append(f"Tél. {firm.phone}")
    if style.is_["bank"] == "foot" and _bank_shown(sheet, bill):
        pair = _iban(sheet, bill)
        parts.append(inline(sheet, pair, "colon"))
        sheet_note(sheet, pair)
    sheet.text(MIDDLE, 40, " - ".join(parts), size=size, align="centre", most=RIGHT - LEFT)
    if "margin" in style.flags:
        sheet.upright(20, 180, f"{first} - RCS {firm.town} - capital entièrement versé - SAV : {firm.phone}")
    if "page_number" in style.flags:
        number = len(sheet.pages)
        sheet.text(RIGHT, 26, f"Page {number}" if not last else f"Page {number}/{number}", align="right", size=size)


def _bank_shown(sheet: Sheet, bill: Bill) -> bool:
    return "bank_said" in sheet.style.flags and bill.payment != "PRELEVEMENT"


def _iban(sheet: Sheet, bill: Bill) -> Pair:
    iban = bill.firm.iban
    return Pair(sheet.style.words["supplier_iban"], sheet.style.iban_text(iban), "supplier_iban", iban)


def payment(sheet: Sheet, bill: Bill, x: float, y: float, width: float) -> float:
    """How to pay, and to which account."""
    style = sheet.style
    rng = Random(f"payment/{style.name}")
    listed = []
    if bill.payment is not None:
        choice = PAYMENTS[bill.payment]
        said = rng.choice(choice.held if style.held and rng.random() < 0.5 else choice.common)
        if "payment_sentence" in style.flags:
            y = _payment_sentence(sheet, bill.payment, x, y, width)
        else:
            listed.append(Pair(style.words["payment_mode"], said, "payment_mode", bill.payment))
    if bill.payment == "PRELEVEMENT" and "bank_said" in style.flags:
        other = iban_of("30001", "00794", f"{10**9 + bill.seed:011d}")  # the recipient's own account
        listed.append(Pair("Compte débité", style.iban_text(other)))
    if _bank_shown(sheet, bill) and style.is_["bank"] != "foot":
        listed.append(_iban(sheet, bill))
        listed.append(Pair("BIC", bill.firm.bic))
        if "rib" in style.flags:
            listed.append(Pair("RIB", bill.firm.bank))
    if style.is_["bank"] == "line" and listed:
        texts = [inline(sheet, pair, "colon") for pair in listed]
        for pair in listed:
            sheet_note(sheet, pair)
        while texts:
            taken = 1
            while taken < len(texts) and sheet.width("   ".join(texts[: taken + 1])) < width:
                taken += 1
            sheet.text(x, y, "   ".join(texts[:taken]), most=width)
            y -= sheet.step
            texts = texts[taken:]
        return y - 3
    form = "columns" if style.is_["bank"] == "table" else style.is_["pair"]
    return pairs(sheet, listed, x, y, min(width, 290.0), form) - 3


def _payment_sentence(sheet: Sheet, payment: str, x: float, y: float, width: float) -> float:
    """How to pay, in prose."""
    mode = {"VIREMENT": "virement", "CHEQUE": "chèque", "PRELEVEMENT": "prélèvement", "ESPECE": "espèces"}[payment]
    forms = (f"Règlement par {mode} à 30 jours.", f"Paiement par {mode}, à réception de la facture.")
    text = forms[len(sheet.style.words["payment_mode"]) % 2]
    sheet.text(x, y, text, most=width)
    sheet.show("payment_mode", payment, text)
    return y - sheet.step


def coupon(sheet: Sheet, bill: Bill, x: float, y: float, width: float) -> float:
    """A part to send back with the payment: number, amount and date once more."""
    style = sheet.style
    amount = bill.sign * bill.payable
    sheet.text(x, y, "- " * int(width / sheet.width("- ")), most=width)
    y -= sheet.step
    sheet.text(x, y, "Talon à joindre à votre règlement", bold=True, most=width)
    listed = [
        Pair("Facture" if not bill.credit else "Avoir", bill.number, "invoice_number", bill.number),
        Pair("Montant à régler", style.amount(amount), "payable", f"{amount:.2f}"),
        Pair("Code client", f"{bill.seed + 4_100}"),
    ]
    if bill.due is not None:
        listed.append(Pair("Échéance", style.day(bill.due), "due_date", bill.due.isoformat()))
    return pairs(sheet, listed, x, y - sheet.step, min(width, 250.0), style.is_["pair"])


def mentions(sheet: Sheet, bill: Bill, x: float, y: float, width: float) -> float:
    """The VAT regime in words, the sum in figures, conditions and other lines that are none of the fields."""
    style = sheet.style
    rng = Random(f"mentions/{style.name}")
    drawn = Random(f"mentions/{style.name}/{bill.seed}")
    texts = []
    if bill.regime is not None:
        choice = REGIMES[bill.regime]
        text = rng.choice(choice.held if style.held and rng.random() < 0.5 else choice.common)
        texts.append(text)
        sheet.show("vat_regime", bill.regime, text)
    if "in_words" in style.flags and not bill.prepaid and not bill.retention:
        kind = "le présent avoir" if bill.credit else "la présente facture"
        amount = style.amount(bill.total_incl_tax)
        texts.append(f"Arrêté{'' if bill.credit else 'e'} {kind} à la somme de {amount} TTC")
    if "euros_said" in style.flags:
        texts.append("Montants exprimés en euros.")
    if "conditions" in style.flags:
        texts += rng.sample(_CONDITIONS, rng.randint(1, 3))
    if "clutter" in style.flags:
        other = "other_clutter" in style.flags
        texts += drawn.sample(_HELD_CLUTTER if other else _CLUTTER, drawn.randint(1, 3))
    for text in texts:
        sheet.text(x, y, text, most=width, size=style.size * 0.92)
        y -= sheet.step
    return y


def conditions_page(sheet: Sheet) -> None:
    """A page of small print, whose amounts and dates are nobody's."""
    y = 780.0
    sheet.text(LEFT, y, "CONDITIONS GÉNÉRALES DE VENTE", bold=True)
    texts = (
        "Article 1 - Toute commande supérieure à 1 500,00 € HT donne lieu à un acompte de 30 %.",
        "Article 2 - Les factures sont payables à 30 jours. TVA en vigueur à la date d'émission de la facture.",
        "Article 3 - Le total TTC dû porte intérêt de plein droit à compter de la date d'échéance.",
        "Article 4 - Le numéro de commande et le numéro de facture sont rappelés sur tout règlement.",
        "Article 5 - Conditions applicables au 01/01/2022. Frais de dossier : 25,00 € HT, soit 30,00 € TTC.",
    )
    for text in texts * 3:
        y -= sheet.step * 1.5
        sheet.text(LEFT, y, text, most=RIGHT - LEFT, size=sheet.style.size * 0.85)
