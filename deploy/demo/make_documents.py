"""Writes the demo's documents: ``python -m deploy.demo.make_documents FOLDER``.

Each ``NAME.pdf`` or ``NAME.xml`` has a ``NAME.expected.json`` beside it with the end that it must come to:
``end`` (``MISE_A_DISPOSITION``, ``A_RECYCLER``, ``to_verify``, ``refused``, ``duplicate``), ``code`` of a refusal,
``structure`` and ``service`` that receive it, ``fields`` that must be read.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from deploy.demo.people import ATELIER, GARONNE, RIVE, Supplier
from tests.carriers import facts_of, facturx
from tests.document_words import Words
from tests.documents import InvoicePdf, Line, Party, encrypted, scanned
from tests.unit.invoice.syntax.write_ubl import ubl

ALPES_MARITIMES = Party(
    "Département des Alpes-Maritimes", "22060001900016", "147 boulevard du Mercantour", "06200 Nice"
)
HAUTE_GARONNE = Party(
    "Département de la Haute-Garonne", "22310001700423", "1 boulevard de la Marquette", "31000 Toulouse"
)
GERS = Party("TEST Département du Gers", "00003200300014", "81 route de Pessan", "32000 Auch")
NOBODY = Party("Commune de Nulle-Part", "99900004500016", "1 place du Vide", "00000 Nulle-Part")


@dataclass(frozen=True)
class Document:
    """One file of the demo and what must become of it."""

    name: str
    data: bytes
    expected: dict[str, Any]
    suffix: str = ".pdf"


def documents(today: date) -> Iterator[Document]:
    """Every document of the demo. Invoices are dated a few days before ``today`` (Paris)."""
    day = today - timedelta(days=4)
    yield from _accepted(day)
    yield from _refused(day)
    yield from _to_verify(day)
    yield from _with_data(day)


def _accepted(day: date) -> Iterator[Document]:
    nice = _invoice(ATELIER, ALPES_MARITIMES, day, "FA-2026-0101", service_code="DSN", layout="label_left")
    yield _document("01-alpes-maritimes", nice, _available(nice))
    toulouse = _invoice(
        GARONNE,
        HAUTE_GARONNE,
        day,
        "GS2026/118",
        service_code="TEST-DSI",
        engagement="CP2020/X123456/1",
        contract="19M001",
        layout="table_totals",
        words=Words(amount_form="dot", date_form="words"),
    )
    yield _document("02-haute-garonne", toulouse, _available(toulouse))
    by_service = _invoice(RIVE, GERS, day, "R-000771", service_code="TEST-ACHATS", layout="two_columns")
    yield _document("03-gers-service", by_service, _available(by_service))
    by_engagement = _invoice(
        RIVE, GERS, day, "R-000772", engagement="4500012345", layout="label_above", words=Words(siret_spaced=True)
    )
    yield _document("04-gers-engagement", by_engagement, _available(by_engagement))
    yield Document("05-meme-fichier", nice.render(), {"end": "duplicate"})


def _refused(day: date) -> Iterator[Document]:
    unknown = _invoice(ATELIER, NOBODY, day, "FA-2026-0102", service_code="DSN")
    yield _document("06-destinataire-inconnu", unknown, _no(unknown, "DEST_INC"))
    no_service = _invoice(ATELIER, ALPES_MARITIMES, day, "FA-2026-0103")
    yield _document("07-sans-service", no_service, _no(no_service, "SERVICE_REQUIRED"))
    closed = _invoice(
        GARONNE, HAUTE_GARONNE, day, "GS2026/119", service_code="TEST-FERME", engagement="CP2020/X123456/1"
    )
    yield _document("08-service-ferme", closed, _no(closed, "SERVICE_INACTIVE"))
    no_engagement = _invoice(GARONNE, HAUTE_GARONNE, day, "GS2026/120", service_code="TEST-ROUTES", layout="letter")
    yield _document("09-sans-engagement", no_engagement, _no(no_engagement, "ENGAGEMENT_REQUIRED"))
    yield Document("10-mot-de-passe", encrypted(), {"end": "refused", "code": "PDF_ENCRYPTED"})


def _to_verify(day: date) -> Iterator[Document]:
    yield Document("11-image", scanned(), {"end": "to_verify"})
    wrong = _invoice(
        ATELIER,
        ALPES_MARITIMES,
        day,
        "FA-2026-0104",
        service_code="DRH",
        wrong_sum=Decimal("10.00"),
        layout="label_left",
    )
    expected = {"end": "to_verify", "fields": {"invoice_number": wrong.number}}
    yield _document("12-sommes-fausses", wrong, expected)


def _with_data(day: date) -> Iterator[Document]:
    """Structured invoices: PDF with data, data alone, and a page that says something else than its data."""
    hybrid = _invoice(ATELIER, ALPES_MARITIMES, day, "FA-2026-0105", service_code="DRH")
    yield Document("13-factur-x", facturx(hybrid), _available(hybrid))
    alone = _invoice(RIVE, GERS, day, "R-000773", engagement="4500012346")
    yield Document("14-ubl", ubl(facts_of(alone)), _available(alone), ".xml")
    differs = _invoice(ATELIER, ALPES_MARITIMES, day, "FA-2026-0106", service_code="DRH")
    data = facturx(differs, excl="2545.00", incl="3052.00", payable="3052.00")
    yield Document("15-page-contre-donnees", data, {"end": "to_verify", "fields": {"total_incl_tax": "3052.00"}})


def _invoice(supplier: Supplier, recipient: Party, day: date, number: str, **details: Any) -> InvoicePdf:
    lines = (
        Line("Maintenance préventive, octobre", Decimal(1), Decimal("2400.00")),
        Line("Déplacement d'un technicien", Decimal(3), Decimal("45.00")),
    )
    party = Party(supplier.name, supplier.siret, supplier.street, supplier.city)
    return InvoicePdf(number=number, issue_date=day, supplier=party, recipient=recipient, lines=lines, **details)


def _document(name: str, invoice: InvoicePdf, expected: dict[str, Any]) -> Document:
    return Document(name, invoice.render(), expected)


def _available(invoice: InvoicePdf) -> dict[str, Any]:
    expected: dict[str, Any] = {"end": "MISE_A_DISPOSITION", "structure": invoice.recipient.siret}
    if invoice.service_code is not None:
        expected["service"] = invoice.service_code
    return expected | {"fields": invoice.truth()}


def _no(invoice: InvoicePdf, code: str) -> dict[str, Any]:
    return {"end": "refused", "code": code, "fields": {"recipient_siret": invoice.recipient.siret or ""}}


def write(folder: Path, today: date) -> list[Path]:
    """Write every document with its expectation; the paths in the order in which they are deposited."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for document in documents(today):
        path = folder / f"{document.name}{document.suffix}"
        path.write_bytes(document.data)
        text = json.dumps(document.expected, ensure_ascii=False, indent=1)
        path.with_suffix(".expected.json").write_text(text + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def depositor(name: str) -> Supplier:
    """Who deposits the document of this name: the supplier on its page, Atelier Berthier where none can be read."""
    by_number = {"02": GARONNE, "08": GARONNE, "09": GARONNE, "03": RIVE, "04": RIVE, "14": RIVE}
    return by_number.get(name[:2], ATELIER)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Paris")).date()
    for path in write(parser.parse_args().folder, today):
        print(path)


if __name__ == "__main__":
    main()
