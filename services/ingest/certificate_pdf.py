"""Draws a certificate of deposit. The PDF carries the signed JSON, so that it can be verified by itself."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from invoice.money import show_amount, show_date
from services.common.paper import BODY, HEAD, STRONG, TITLE, WIDTH, drawn, pairs, said, table
from services.ingest.certificate import packed

VERIFY = "/api/v1/certificates/verify"
COMMAND = "python -m services.ingest certificate verify CERTIFICAT --document FICHIER"
_PARIS = ZoneInfo("Europe/Paris")


def render(document: Mapping[str, Any]) -> bytes:
    """The certificate on paper. The same certificate gives the same bytes."""
    about = document["certificate"]
    title = f"Certificat de dépôt {about['invoice_number']}"
    return drawn(title, f"Dépôt {about['deposit']}", lambda: _story(document), packed(document), about.get("sandbox"))


def _story(document: Mapping[str, Any]) -> list[Flowable]:
    about, signature = document["certificate"], document["signature"]
    at = datetime.fromisoformat(about["submitted_at"]).astimezone(_PARIS)
    files = [[said(name, STRONG) for name in ("Fichier", "Taille (octets)", "Empreinte SHA-256")]]
    for each in about["files"]:
        name = f"{each['name']} ({each['role']})"
        files.append([said(name, BODY), said(str(each["size"]), BODY), said(_broken(each["sha256"]), BODY)])
    return [
        said("Certificat de dépôt", TITLE),
        said("La plateforme atteste avoir reçu et accepté la facture suivante.", BODY),
        said("La facture", HEAD),
        pairs(
            [
                ("Numéro de dépôt :", about["deposit"]),
                ("Déposée le :", f"{show_date(at.date())} à {at:%H:%M:%S} (heure de Paris)"),
                ("Instant certifié :", about["submitted_at"]),
                ("Numéro de facture :", about["invoice_number"]),
                ("Date de facture :", show_date(date.fromisoformat(about["issue_date"]))),
                ("Cadre de facturation :", about["cadre"]),
                ("SIRET du fournisseur :", about["supplier_siret"]),
                ("SIRET du destinataire :", about["recipient_siret"]),
                ("Net à payer :", show_amount(Decimal(about["payable"]), about["currency"])),
            ]
        ),
        said("Les fichiers", HEAD),
        table(files, (62 * mm, 26 * mm, WIDTH - 88 * mm), repeat=1),
        said("La signature", HEAD),
        pairs(
            [
                ("Algorithme :", signature["algorithm"]),
                ("Clé :", signature["key"]),
                ("Valeur :", _broken(signature["value"])),
                ("Vérifier à l'adresse :", f"{VERIFY} (sans compte)"),
                ("… ou par la commande :", COMMAND),
            ]
        ),
    ]


def _broken(text: str) -> str:
    """A long code in pieces that a line can hold."""
    return " ".join(text[start : start + 32] for start in range(0, len(text), 32))
