"""Sollicitations in an invoice's story: who asked whom, and that it was answered. Never what was written. Pure."""

from typing import Final
from uuid import UUID

import msgspec

from contracts.envelope import Event
from contracts.events import SolicitationRecorded
from services.status.model import Applied, Entry, FieldChange, Invoice

#: The entry's kind; its ``action`` is one of :data:`LABELS`.
KIND: Final = "solicitation"
_TO: Final = {"support": "à l'assistance", "body": "à l'organisme", "supplier": "au fournisseur"}
_OF: Final = {"support": "de l'assistance", "body": "de l'organisme", "supplier": "du fournisseur"}
#: What happened, in words.
LABELS: Final[dict[str, str]] = {
    **{f"solicitation_asked_{who}": f"Question posée {to}" for who, to in _TO.items()},
    **{f"solicitation_asked_again_{who}": f"Nouvelle question {to}" for who, to in _TO.items()},
    **{f"solicitation_answered_{who}": f"Réponse {of}" for who, of in _OF.items()},
    **{f"solicitation_overdue_{who}": f"Question {to} restée sans réponse dans le délai" for who, to in _TO.items()},
    **{f"solicitation_closed_{who}": f"Question {to} close" for who, to in _TO.items()},
}
_ASKERS: Final = {"supplier": "F", "person": "F", "body": "D", "validator": "V1", "moe": "MOE", "moa": "MOA"}
_ANSWERERS: Final = {"support": "S", "body": "D", "supplier": "F"}


def concerns(data: SolicitationRecorded) -> bool:
    """Whether it stands in an invoice's story: a reminder to whoever answers does not."""
    return data.invoice is not None and data.act != "reminded"


def told(invoice: Invoice, event: Event, data: SolicitationRecorded) -> Applied:
    """The entry: history, not a status. What a body asks support is its own business."""
    after = msgspec.structs.replace(invoice, entries=invoice.entries + 1)
    entry = Entry(
        invoice=invoice.id,
        number=after.entries,
        kind="solicitation",
        actor=_actor(data),
        at=data.at,
        visibility="body" if (data.asker, data.addressee) == ("body", "support") else "all",
        cause=event.id,
        action=f"solicitation_{data.act}_{data.addressee}",
        changes=(
            FieldChange("solicitation", None, str(UUID(data.solicitation))),
            FieldChange("reference", None, data.reference),
        ),
    )
    return Applied(invoice=after, entry=entry)


def _actor(data: SolicitationRecorded) -> str:
    if data.by == "platform":
        return "S"
    return _ASKERS[data.asker] if data.by == "asker" else _ANSWERERS[data.addressee]
