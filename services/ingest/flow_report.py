"""The integration report: per invoice of a flow, and per day and issuer; as JSON, as CSV, as a page to print."""

import io
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from invoice.findings import Finding
from invoice.sandbox import mark
from services.common import table_csv
from services.ingest import flow_views
from services.ingest.flow_domain import OUTCOME_LABELS, Flow
from services.ingest.flow_items import PARIS, Told
from services.ingest.flow_views import FlowView

COLUMNS: Final = (
    "flux",
    "numero_ordre",
    "fichier",
    "resultat",
    "libelle",
    "numero_facture",
    "fournisseur",
    "destinataire",
    "depot",
    "date",
    "niveau",
    "regle",
    "champ",
    "champ_technique",
    "valeur",
    "message",
    "a_faire",
    "mention",
)
LEVELS: Final = {
    "refuse": "refus",
    "warn": "avertissement",
    "info": "information",
    "ok": "en règle",
}
#: What a page to print lists at the most; the whole is in the other two.
PRINTED: Final = 2_000
_PRINTED_COLUMNS: Final = ("Fichier", "Facture", "Résultat", "Motif, et ce qu'il y a à faire")
_REMARKS: Final = 10


async def as_json(view: FlowView, told: AsyncIterator[Told]) -> AsyncIterator[bytes]:
    """The flow, then each item, as they come."""
    head = view.model_dump_json()
    yield head[:-1].encode() + b',"invoices":['
    first = True
    async for one in told:
        yield (b"" if first else b",\n") + flow_views.item(one).model_dump_json().encode()
        first = False
    yield b"]}\n"


async def as_csv(told: AsyncIterator[Told]) -> AsyncIterator[bytes]:
    """One line per remark, one for an item without any; separated by semicolons, as French spreadsheets read it."""
    yield table_csv.MARK.encode() + _line(COLUMNS)
    async for one in told:
        yield b"".join(_line(cells) for cells in _cells(one))


def _cells(one: Told) -> Iterable[tuple[str, ...]]:
    outcome = one.outcome or "waiting"
    settled = "" if one.settled_at is None else one.settled_at.astimezone(PARIS).strftime("%d/%m/%Y %H:%M:%S")
    head = (
        str(one.flow_id),
        str(one.number),
        one.name,
        outcome,
        OUTCOME_LABELS[outcome],
        one.invoice_number or "",
        one.supplier or "",
        one.recipient or "",
        str(one.deposit_id or one.duplicate_of or ""),
        settled,
    )
    mention = mark(one.tenant) or ""
    if not one.findings:
        yield (*head, *[""] * (len(COLUMNS) - len(head) - 1), mention)
    for said in one.findings:
        field = flow_views.field_label(said)
        level = LEVELS[said.level]
        told = (level, said.code, field, said.field or "", said.value or "", said.message, said.action or "")
        yield (*head, *told, mention)


def _line(cells: Iterable[str]) -> bytes:
    """A line in which no cell is a formula: what a supplier wrote is opened by a spreadsheet."""
    return table_csv.lines([[table_csv.text(cell) for cell in cells]]).encode()


def as_pdf(flow: Flow, counts: Mapping[str, int], refused: list[Told]) -> bytes:
    """A page to print: the flow, its counts, and each invoice that is not deposited, with what to do."""
    styles = getSampleStyleSheet()
    small = styles["BodyText"].clone("small", fontSize=8, leading=10)
    story: list[Flowable] = [Paragraph("Compte rendu d'intégration", styles["Heading2"])]
    story += [Paragraph(escape(line), small) for line in _head(flow, counts)]
    story.append(Spacer(1, 12))
    if refused:
        rows = [[Paragraph(f"<b>{name}</b>", small) for name in _PRINTED_COLUMNS]]
        rows += [[Paragraph(text, small) for text in _printed(one)] for one in refused[:PRINTED]]
        # One invoice may have more to be said of it than a page holds.
        table = LongTable(rows, colWidths=(170, 90, 90, 420), repeatRows=1, splitInRow=1)
        table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.25, "#999999"), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
        story.append(table)
    if len(refused) > PRINTED:
        words = f"Seules les {PRINTED} premières lignes sont imprimées : la suite est dans le compte rendu CSV ou JSON."
        story.append(Paragraph(words, small))
    out = io.BytesIO()
    SimpleDocTemplate(out, pagesize=landscape(A4), title=f"Flux {flow.id}", invariant=1).build(story)
    return out.getvalue()


def _head(flow: Flow, counts: Mapping[str, int]) -> Iterable[str]:
    view = flow_views.flow(flow, counts)
    if view.sandbox:
        yield view.sandbox
    yield f"Flux {flow.id} : {flow.file_name}"
    yield f"{view.label} ({view.state.value})"
    if flow.received_at is not None:
        yield f"Reçu le {_instant(flow.received_at)}"
    if flow.finished_at is not None:
        yield f"Traité le {_instant(flow.finished_at)}"
    else:
        yield "Compte rendu provisoire : le traitement n'est pas terminé, d'autres lignes peuvent s'y ajouter."
    for outcome, words in OUTCOME_LABELS.items():
        if counts.get(outcome):
            yield f"{words} : {counts[outcome]}"
    for one in flow.errors:
        yield f"{one.message} {one.action or ''}"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(PARIS):%d/%m/%Y à %H:%M:%S} (heure de Paris)"


def _printed(one: Told) -> tuple[str, str, str, str]:
    said = "<br/>".join(_remark(found) for found in one.findings[:_REMARKS])
    if len(one.findings) > _REMARKS:
        said += f"<br/>… et {len(one.findings) - _REMARKS} autres remarques, dans le compte rendu CSV ou JSON."
    return (
        escape(one.name[-120:]),
        escape(one.invoice_number or ""),
        escape(OUTCOME_LABELS[one.outcome or "waiting"]),
        said,
    )


def _remark(found: Finding) -> str:
    """One remark: the field, what is wrong, the value seen, what to do, the rule."""
    field = flow_views.field_label(found)
    head = f"<b>{escape(field)}</b> : " if field else ""
    seen = f" Valeur lue : « {found.value[:200]} »." if found.value else ""
    to_do = f" À faire : {found.action}" if found.action else ""
    return f"{head}{escape(found.message + seen + to_do)} [{escape(found.code)}]"
