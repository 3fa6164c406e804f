"""What an action is: a row of a table. How one is carried out stands in ``actions.py``. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID, uuid5

import msgspec

from contracts.envelope import NAMESPACE
from invoice.findings import Finding
from invoice.lifecycle import Need
from services.status.model import Applied, Entry, FieldChange, Invoice, Visibility

#: A comment that is required has to say something (decisions.md 8); none is longer than the norm's.
COMMENT_MIN: Final = 10
COMMENT_MAX: Final = 2000


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. A field that is not named stays as it is; one that is None is emptied."""

    action: str
    motif: str | None = None
    comment: str | None = None
    fields: Mapping[str, str | None] = MappingProxyType({})
    attachments: tuple[str, ...] = ()


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What an action may look at beside the invoice: its history as the clock reads it, and its stored attachments."""

    entries: tuple[Entry, ...] = ()
    attachments: frozenset[str] = frozenset()


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with what was asked, as problem+json shows it: French sentences, stable ``rule``."""

    field: str
    value: str | None
    rule: str
    message: str
    action: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field that an action takes. ``check`` gives the value as it is kept, or says what is wrong with it."""

    name: str
    label: str
    check: Callable[[str | None], "str | Fault | None"]
    required: bool = False


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One action on one invoice, found to be allowed. ``fields`` are checked; ``actor`` is the role acted in."""

    action: "Action"
    invoice: Invoice
    actor: str
    subject: str
    now: datetime
    motif: str | None
    comment: str | None
    fields: Mapping[str, str | None]
    target: str | None = None
    attachments: tuple[str, ...] = ()
    past: Past = Past()

    @property
    def number(self) -> int:
        """The entry that the action writes."""
        return self.invoice.entries + 1

    @property
    def cause(self) -> UUID:
        """What the action's events are caused by: the entry it writes, so that their ids never change."""
        return uuid5(NAMESPACE, f"{self.invoice.id}/action/{self.number}")

    def after(self, **changes: object) -> Invoice:
        """The invoice with the action's entry counted, in the status that the action asks for."""
        if self.target is not None:
            changes = {"status": self.target, "status_at": self.now, **changes}
        version = self.invoice.version if self.action.light else self.number
        return msgspec.structs.replace(self.invoice, entries=self.number, version=version, **changes)

    def entry(
        self,
        *,
        visibility: Visibility = "all",
        reasons: tuple[Finding, ...] = (),
        changes: tuple[FieldChange, ...] = (),
    ) -> Entry:
        """The history entry of the action."""
        target = self.target
        return Entry(
            invoice=self.invoice.id,
            number=self.number,
            kind="action" if target is None else "status",
            status_from=None if target is None else self.invoice.status,
            status_to=target,
            actor=self.actor,
            at=self.now,
            visibility=visibility,
            cause=self.cause,
            reasons=reasons,
            action=self.action.name,
            motif=self.motif,
            comment=self.comment,
            by=self.subject,
            changes=changes,
        )


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    With a ``target`` status (or one that depends on the invoice), ``lifecycle.yaml`` says from where and by whom it may
    be set and what must come with it; ``who`` and ``sources`` only narrow that, where several actions lead to one
    status. Without a target, ``who``, ``sources`` (all statuses where empty), ``motif`` and ``comment`` say so here.
    ``unless`` names in French what stands in the way of an action that the status allows, ``instead`` what to do where
    the status does not, ``warns`` what whoever acts should know before. ``attachments``: it names files stored before.
    ``light``: it decides nothing, so it needs no If-Match and makes nobody's stale. ``do`` makes of a case what is
    applied, or says what is wrong.
    """

    name: str
    label: str
    do: Callable[[Case], Applied | tuple[Fault, ...]]
    target: str | Callable[[Invoice], str | None] | None = None
    who: tuple[str, ...] = ()
    sources: frozenset[str] = frozenset()
    motif: Need = "none"
    comment: Need = "optional"
    comment_min: int = COMMENT_MIN
    fields: tuple[Field, ...] = ()
    attachments: bool = False
    light: bool = False
    unless: Callable[[Invoice], str | None] = lambda invoice: None
    instead: Callable[[Invoice], str | None] = lambda invoice: None
    warns: Callable[[Invoice, Iterable[Entry], datetime], str | None] = lambda invoice, entries, now: None

    def target_of(self, invoice: Invoice) -> str | None:
        """The status that it leads to from where the invoice is; None where it leads nowhere."""
        return self.target(invoice) if callable(self.target) else self.target


def by_status(targets: Mapping[str, str]) -> Callable[[Invoice], str | None]:
    """A target that follows from the status that the invoice has, by a table."""
    return lambda invoice: targets.get(invoice.status)


class Possible(msgspec.Struct, frozen=True, kw_only=True):
    """An action that may be done now, and what it needs. ``motifs``: code and label of those offered."""

    name: str
    label: str
    actor: str
    motif: Need
    comment: Need
    comment_min: int
    motifs: Mapping[str, str]
    fields: tuple[Field, ...]
    attachments: bool = False
    target: str | None = None
    light: bool = False


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Why an action is not done, what may be done instead by who asks, and whose turn it is.

    ``unknown``: no such action; ``not_yours``: another actor's; ``not_now``: the invoice is elsewhere in its life;
    ``invalid``: what came with it is wrong, see ``faults``.
    """

    why: Literal["unknown", "not_yours", "not_now", "invalid"]
    message: str
    possible: tuple[Possible, ...] = ()
    turn: str | None = None
    faults: tuple[Fault, ...] = ()
