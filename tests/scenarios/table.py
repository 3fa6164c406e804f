"""The table of lives (``lives.yaml``): what is done on which day, and how each must end. Values only."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec
import yaml

FILE: Final = Path(__file__).with_name("lives.yaml")
INVOICE: Final = "invoice"


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that somebody does, or that is waited for, on a day counted from the first (10:00 in Paris).

    ``does``: ``deposit``, ``attach``, ``wait``, ``fetch`` and ``post_back`` (a finance system; in bulk, the action in
    ``form``), or the name of an action. ``of`` names the piece.
    ``reach``: the status to wait for afterwards. ``refused``: the code that the platform must answer with.
    """

    day: int
    does: str
    who: str = "supplier"
    of: str = INVOICE
    reach: str | None = None
    refused: str | None = None
    motif: str | None = None
    comment: str | None = None
    fields: Mapping[str, str] = {}
    form: Mapping[str, str] = {}
    to: str | None = None
    number: str | None = None


class ClockEnd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the payment delay must stand, in days counted from the first; ``late`` in days, and then interest is owed."""

    state: Literal["none", "not_started", "running", "interrupted", "stopped", "closed"]
    started: int | None = None
    due: int | None = None
    late: int = 0


class End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a piece must end. ``statuses``: ``day actor STATUS`` in their order; ``said``: ``actor action`` of entries
    that are no status, ``(body)`` behind those that the supplier must not see; ``mails``: ``KIND/audience``; ``timers``
    that have fired, each kind once."""

    statuses: tuple[str, ...]
    clock: ClockEnd
    mails: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    timers: tuple[str, ...] = ()


class Life(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One life. ``short``: played in tests/e2e too."""

    name: str
    steps: tuple[Step, ...]
    ends: Mapping[str, End] = {}
    to: str = "22060001900016/DRH"
    by: str = "99900001100018"
    short: bool = False

    def days(self) -> Iterator[int]:
        """The days on which something happens."""
        return (step.day for step in self.steps)


def load(text: str | None = None) -> tuple[Life, ...]:
    """The lives of the table. Raises ``msgspec.ValidationError`` for one that is not written as it must be."""
    written = FILE.read_text(encoding="utf-8") if text is None else text
    return msgspec.convert(yaml.safe_load(written), tuple[Life, ...])
