"""A life of an invoice in memory: events, actions and the platform's own moves, its delay reckoned after each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from contracts.events import InvoiceSubmitted, Payload
from invoice.clock import Clock
from services.status.action import Past, Refused, Wanted
from services.status.actions import perform
from services.status.domain import answer
from services.status.model import Applied, Body, Entry, Invoice, Outcome
from services.status.moves import platform_move
from services.status.payment_delay import clock_of, reckoned
from tests.unit.status import samples
from tests.unit.status.samples import NOON, event, header, submitted

IDENTITY = UUID("0190e8a0-0000-7000-8000-000000000001")


def deposit(cadre: str = "A1", *validators: str, **changes: Any) -> InvoiceSubmitted:
    """An accepted deposit of a cadre. ``changes`` go into the event."""
    frame = None if cadre in ("A1", "A2") else cadre
    full = "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE" if cadre == "A2" else "A1_FACTURE_FOURNISSEUR"
    own = msgspec.structs.replace(header(), cadre=full, frame=frame)
    return msgspec.structs.replace(submitted(), invoice=own, validators=validators, **changes)


class Life:
    """``now`` moves by hand; every step fails the test unless it is applied."""

    def __init__(self, *payloads: Payload, bodies: Mapping[str, Body] | None = None) -> None:
        self.now = NOON
        self.bodies = bodies or {}
        self.known: Invoice | None = None
        self.entries: list[Entry] = []
        self.applied: list[Applied] = []
        self.attachments: frozenset[str] = frozenset()
        for data in payloads:
            self.take(data)

    @property
    def invoice(self) -> Invoice:
        """As it stands."""
        assert self.known is not None
        return self.known

    @property
    def statuses(self) -> list[str]:
        """Every status that it entered."""
        return [entry.status_to for entry in self.entries if entry.status_to is not None]

    @property
    def clock(self) -> Clock:
        """Its clock."""
        return clock_of(self.invoice, self.entries)

    def later(self, **time: float) -> "Life":
        """Let time pass."""
        self.now += timedelta(**time)
        return self

    def take(self, data: Payload) -> Applied:
        """An event that comes."""
        found = answer(self.known, event(data, IDENTITY), self.now, self.bodies)
        return self.keep(found)

    def platform(self, target: str) -> Applied:
        """A move of the platform's own: a timer's."""
        return self.keep(platform_move(self.invoice, target, self.now, uuid4()))

    def ask(self, action: str, *actors: str, **given: Any) -> Applied | Refused:
        """Somebody asks for an action; nothing is kept."""
        past = Past(entries=tuple(self.entries), attachments=self.attachments)
        return perform(self.invoice, Wanted(action=action, **given), actors, "agnès", self.now, past)

    def do(self, action: str, actor: str = "D", **given: Any) -> Applied:
        """Somebody acts."""
        return self.keep(self.ask(action, actor, **given))

    def refused(self, action: str, actor: str = "D", **given: Any) -> Refused:
        """Somebody may not."""
        found = self.ask(action, actor, **given)
        assert isinstance(found, Refused), found
        return found

    def keep(self, found: Outcome | Refused) -> Applied:
        """Keep what was applied."""
        assert isinstance(found, Applied), found
        self.entries += [step.entry for step in found.steps]
        self.applied.append(found)
        self.known = reckoned(found.last, self.entries)
        return found

    def on(self, day: datetime) -> "Life":
        """Go to an instant."""
        self.now = day
        return self


def available(cadre: str = "A1", **changes: Any) -> Life:
    """A simple invoice at its body's disposal, its delay running."""
    return Life(deposit(cadre, **changes), samples.routed(), samples.accepted())
