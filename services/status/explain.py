"""``python -m services.status explain ID --by NAME --reason WHY``: the story of one invoice, for who answers for it.

Statuses, roles, reasons, mails, the clock and what is to come. Nobody is named and no comment is quoted: what is
printed may be pasted into a ticket. The look itself is written into the trail of the invoice's tenant first.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from invoice.clock import PARIS, Clock
from invoice.lifecycle import ACTORS, STATUSES, TURN_LABELS, turn
from invoice.motifs import MOTIFS, canonical
from services.common import clock as time_of
from services.common import looks_by_command
from services.common.looks_by_command import CommandLook, Unexplained
from services.status import looked, store
from services.status.model import Invoice
from services.status.payment_delay import clock_of, paris_day
from services.status.timers import TIMERS
from services.status.words import SOURCES, action_label, notice_label

_HISTORY: Final = (
    "select entry, kind, status_from, status_to, actor, at, visibility, reasons::text, notice::text, action, motif,"
    " length(comment) as comment, changes::text from history where invoice = $1 order by entry"
)
_TIMERS: Final = (
    "select kind, due_at from timer where key = $1 and fired_at is null and cancelled_at is null order by due_at"
)
_STATES: Final = {
    "not_started": "pas encore commencé",
    "running": "court",
    "interrupted": "interrompu",
    "stopped": "arrêté : mise en paiement",
    "closed": "sans objet : la facture est close",
}
#: Values of an entry that may name somebody: their place is shown, not they.
_PEOPLE: Final = frozenset(("assigned_to",))


class Untold(Exception):
    """There is nothing to tell; the words say why, in French."""


class Told(msgspec.Struct, frozen=True):
    """Everything that the story is told from."""

    invoice: Invoice
    clock: Clock
    history: Sequence[Mapping[str, Any]]
    timers: Sequence[Mapping[str, Any]]
    today: date


def run(arguments: Sequence[str]) -> int:
    """0: told; 2: nothing to tell."""
    parser = argparse.ArgumentParser(prog="python -m services.status explain", description="Raconte une facture.")
    parser.add_argument("invoice", help="l'identifiant de la facture (CHORALE_DSN : la base du service status)")
    looks_by_command.add_arguments(parser)
    given = parser.parse_args(arguments)
    try:
        identity = _identity(given.invoice)
        look = looks_by_command.asked(given.by, given.reason, parser.prog)
        told = asyncio.run(_read(identity, os.environ.get("CHORALE_DSN"), look))
    except (Untold, Unexplained) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join(story(told)) + "\n")
    return 0


def story(told: Told) -> Iterator[str]:
    """The story, line by line. Pure."""
    yield from _head(told.invoice)
    yield ""
    yield "Histoire"
    for row in told.history:
        yield from _entry(row)
    yield ""
    yield from _clock(told.clock, told.today)
    yield ""
    yield "À venir"
    for row in told.timers:
        label = TIMERS[row["kind"]].label if row["kind"] in TIMERS else row["kind"]
        yield f"  {_when(row['due_at'])}  {label}"
    if not told.timers:
        yield "  rien : la plateforme n'attend rien d'elle-même"


def _head(invoice: Invoice) -> Iterator[str]:
    header, status = invoice.header, STATUSES[invoice.status]
    yield f"Facture {header.invoice_number} ({invoice.id}), cadre {header.cadre_code}"
    yield f"  de {header.supplier_siret} à {header.recipient_siret}" + (
        f", service {invoice.service_code}" if invoice.service_code else ""
    )
    yield f"  net à payer {header.payable} {header.currency}, déposée le {_when(invoice.submitted_at)}"
    waited = turn(invoice.status, invoice.circuit.table)
    whose = TURN_LABELS[waited] if waited else "plus personne n'est attendu"
    yield f"  {status.label_fr} [{invoice.status}] depuis le {_when(invoice.status_at)} ; {whose}"


def _entry(row: Mapping[str, Any]) -> Iterator[str]:
    hidden = "  (vu du destinataire seul)" if row["visibility"] == "body" else ""
    yield f"  {row['entry']:>3}. {_when(row['at'])}  {_what(row)} – {ACTORS[row['actor']]}{hidden}"
    if row["motif"]:
        found = MOTIFS.get(canonical(row["motif"]))
        yield f"         motif : {found.label_fr if found else row['motif']} [{row['motif']}]"
    for reason in msgspec.json.decode(row["reasons"]):
        yield f"         raison : [{reason['code']}]" + (f" {reason['field']}" if reason.get("field") else "")
    for change in msgspec.json.decode(row["changes"]):
        shown = "…" if change["field"] in _PEOPLE else f"{change['before'] or '–'} → {change['after'] or '–'}"
        yield f"         {change['field']} : {shown}"
    if row["comment"]:
        yield f"         commentaire de {row['comment']} caractères"


def _what(row: Mapping[str, Any]) -> str:
    if row["notice"]:
        notice = msgspec.json.decode(row["notice"])
        words = notice_label(notice["audience"], notice["outcome"], notice.get("role"))
        return f"Courriel : {words} ({notice['kind']}, entrée {notice['about']})"
    if row["status_to"]:
        return f"{STATUSES[row['status_to']].label_fr} [{row['status_to']}]"
    if row["action"]:
        return action_label(row["action"])
    return SOURCES["portal"]


def _clock(found: Clock, today: date) -> Iterator[str]:
    yield f"Délai de paiement : {_STATES[found.state]}"
    for step in found.steps:
        due = f" → échéance {_day(step.due_on)}" if step.due_on else ""
        yield f"  {_day(step.day)}  {step.label} ({step.article}){due}"
    left, late = found.days_left(today), found.days_late(today)
    if late:
        yield f"  {late} jour(s) de retard au {_day(today)}"
    elif left is not None:
        yield f"  il reste {left} jour(s) au {_day(today)}"
    for remark in found.remarks:
        yield f"  {remark.text}"


def _when(instant: datetime) -> str:
    return instant.astimezone(PARIS).strftime("%d/%m/%Y %H:%M")


def _day(day: date) -> str:
    return day.strftime("%d/%m/%Y")


def _identity(wanted: str) -> UUID:
    try:
        return UUID(wanted)
    except ValueError as error:
        raise Untold(f"« {wanted[:60]} » n'est pas l'identifiant d'une facture.") from error


async def _read(identity: UUID, dsn: str | None, look: CommandLook) -> Told:
    if not dsn:
        raise Untold("Donnez CHORALE_DSN, l'adresse de la base du service status.")
    try:
        connection = await asyncpg.connect(
            dsn, timeout=10, server_settings={"search_path": "status", "timezone": "UTC"}
        )
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise Untold(f"La base du service status ne répond pas : {type(error).__name__}.") from error
    try:
        told = await tell(connection, identity)
        await look.at(connection, await looked.tenant_of(connection, identity), identity)
        return told
    finally:
        await connection.close()


async def tell(connection: Any, identity: UUID) -> Told:
    """What is known of an invoice, read as the service's owner. Raises :class:`Untold` when there is none."""
    async with connection.transaction(readonly=True, isolation="repeatable_read"):
        invoice = (await store.load(connection, [identity])).get(identity)
        if invoice is None:
            raise Untold(f"Aucune facture ne porte l'identifiant {identity}.")
        entries = (await store.clock_entries(connection, [identity])).get(identity, [])
        history = await connection.fetch(_HISTORY, identity)
        timers = await connection.fetch(_TIMERS, str(identity))
    return Told(invoice, clock_of(invoice, entries), history, timers, paris_day(time_of.now()))
