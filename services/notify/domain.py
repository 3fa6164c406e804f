"""What a message is, and what becomes of an attempt. Pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec

from invoice.findings import Finding
from services.notify.matrix import Audience, Cadence, Rule

PARIS: Final = ZoneInfo("Europe/Paris")
#: What the relay's answer means for the message.
Result = Literal["accepted", "temporary", "permanent", "technical"]
#: Where a message stands. ``held``: waits to be gathered with others; ``carried``: the mail that names it is on its
#: way; ``no_address``: nobody could be written to.
State = Literal["created", "sending", "held", "carried", "accepted", "permanent", "technical", "no_address"]
#: Why messages are gathered into one mail: too many at once, too many optional ones, a digest of the day, of the week.
Gathering = Literal["notice", "flood", "daily", "weekly"]
Language = Literal["fr", "en"]


class Figure(msgspec.Struct, frozen=True):
    """A line of the weekly recap: how many invoices entered a status, and what they come to."""

    status: str
    invoices: int
    payable: Decimal


class Count(msgspec.Struct, frozen=True):
    """A line about a flow: how many of its invoices had this outcome (contracts.events.FlowCounts)."""

    outcome: str
    invoices: int


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message says, and nothing more of the invoice than that.

    ``days`` and ``due_on`` belong to reminders; ``counts`` to flows; ``heading``, ``words`` (with their English) to
    announcements; ``about`` is the address, structure or account that a message speaks of; ``sandbox`` marks trials.
    ``link`` opens something: it is there until the mail has been taken. ``values`` are words of a letter that portal
    asked for.
    """

    at: datetime
    number: str | None = None
    issue_date: date | None = None
    payable: Decimal | None = None
    currency: str = "EUR"
    supplier_siret: str | None = None
    recipient_siret: str | None = None
    recipient_name: str | None = None
    service_code: str | None = None
    service_label: str | None = None
    file_name: str | None = None
    reasons: tuple[Finding, ...] = ()
    days: int | None = None
    due_on: date | None = None
    figures: tuple[Figure, ...] = ()
    counts: tuple[Count, ...] = ()
    heading: str | None = None
    words: str | None = None
    heading_en: str | None = None
    words_en: str | None = None
    about: str | None = None
    link: str | None = None
    values: Mapping[str, str] = msgspec.field(default_factory=dict)
    sandbox: bool = False


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message to write: one event, one audience, one address. ``subject`` is the invoice's or deposit's id.

    ``cause`` is the event's id; ``cadence`` what the reader chose.
    """

    id: UUID
    subject: str
    kind: str
    audience: Audience
    address: str
    facts: Facts
    cause: UUID
    legal: bool = False
    cadence: Cadence = "at_once"
    language: Language = "fr"
    tenant: str | None = None
    entry: int | None = None
    traceparent: str | None = None

    @property
    def lane(self) -> str:
        """Whose turn it takes. Bulk never stands before a mandatory notice, nor one body's mail before another's."""
        whose = self.tenant or f"~{hashlib.sha256(self.address.encode()).digest()[0] % 64:02}"
        return whose if self.legal else f"{whose}/optional"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event that somebody is told of: what it says, and by which rules (:func:`services.notify.telling.told`).

    ``validator`` counts from 0, ``asked`` is his SIRET where the event has it. ``people``: accounts told by name.
    """

    kind: str
    facts: Facts
    rules: tuple[Rule, ...]
    entry: int | None = None
    contact: str | None = None
    depositor: str | None = None
    tenant: str | None = None
    validator: int | None = None
    asked: str | None = None
    people: tuple[str, ...] = ()

    def to(self, *audiences: Audience) -> bool:
        """Whether one of these audiences is told."""
        return any(rule.audience in audiences for rule in self.rules)


def messages(
    what: Told, cause: UUID, subject: str, traceparent: str | None, addresses: Mapping[Audience, Sequence[str]]
) -> list[Message]:
    """One message per audience and address; an audience without a usable address gets one that says so."""
    made: list[Message] = []
    for rule in what.rules:
        usable = [address for address in map(clean_address, addresses[rule.audience]) if address]
        for address in dict.fromkeys(usable or [""]):
            made.append(message(what, rule, cause, subject, address, traceparent))
    return made


def message(what: Told, rule: Rule, cause: UUID, subject: str, address: str, traceparent: str | None = None) -> Message:
    """The message to one address, by one rule."""
    return Message(
        id=message_id(cause, rule.audience, address),
        subject=subject,
        kind=what.kind,
        audience=rule.audience,
        address=address,
        facts=what.facts,
        cause=cause,
        legal=rule.legal,
        cadence=rule.cadence,
        tenant=what.tenant,
        entry=what.entry,
        traceparent=traceparent,
    )


def message_id(cause: UUID, audience: Audience, address: str) -> UUID:
    """The same event, audience and address always make the same message."""
    return uuid5(cause, f"{audience}/{hashlib.sha256(address.encode()).hexdigest()}")


_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]"
    r"(?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)


def clean_address(text: str) -> str | None:
    """An address as it goes on the envelope, domain in lower case and ASCII; None when it can be none.

    Anything that could end a command or a header line is refused here already.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return None
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        return None
    address = f"{local}@{domain}"
    return address if len(address) <= 254 and _ADDRESS.fullmatch(address) else None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the relay said, or why it said nothing. ``reached`` is False when no connection could be made.

    ``tls_version`` and ``tls_cipher`` as negotiated (``TLSv1.3``, ``TLS_AES_256_GCM_SHA384``).
    """

    result: Result
    at: datetime
    host: str
    code: int | None = None
    text: str = ""
    tls: bool = False
    reached: bool = True
    tls_version: str | None = None
    tls_cipher: str | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How long a message is tried. Times in seconds."""

    temporary_attempts: int
    temporary_base: float
    temporary_ceiling: float
    technical_limit: float
    technical_base: float
    technical_ceiling: float


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a message after an attempt. ``wait`` in seconds until the next, None when there is none."""

    state: State
    wait: float | None = None


def verdict(policy: Policy, result: Result, *, failures: int, age: timedelta, jitter: float) -> Verdict:
    """The next step. ``failures`` counts this one; ``jitter`` lies in 0…1; ``age`` is the message's.

    5xx is final. 4xx is tried again a bounded number of times. A relay that cannot be reached is our trouble, not the
    message's: it is tried for as long as ``technical_limit``.
    """
    match result:
        case "accepted" | "permanent":
            return Verdict(result)
        case "temporary":
            if failures >= policy.temporary_attempts:
                return Verdict("technical")
            return Verdict("created", _wait(policy.temporary_base, policy.temporary_ceiling, failures, jitter))
        case "technical":
            if age.total_seconds() >= policy.technical_limit:
                return Verdict("technical")
            return Verdict("created", _wait(policy.technical_base, policy.technical_ceiling, failures, jitter))


def _wait(base: float, ceiling: float, failures: int, jitter: float) -> float:
    return min(ceiling, base * 2.0 ** min(failures - 1, 20)) * (0.5 + jitter / 2)


#: The part of the dialogue at which the relay answered.
Stage = Literal["connect", "sender", "recipient", "content"]


def result_of(stage: Stage, code: int, text: str = "") -> Result:
    """What an SMTP answer means. Only the recipient and the content can be refused for good: a 5xx before them says
    that the relay refuses us (credentials, TLS, sender), and every message would be lost to one wrong setting. A full
    mailbox (5.2.2) is emptied some day, whatever the code says."""
    if text.startswith("5.2.2"):
        return "temporary"
    if 200 <= code < 300:
        return "accepted" if stage == "content" else "technical"
    if 400 <= code < 500 and stage != "connect":
        return "temporary"
    if 500 <= code < 600 and stage in ("recipient", "content"):
        return "permanent"
    return "technical"


def paris_day(instant: datetime) -> date:
    """The legal day of an aware instant."""
    return instant.astimezone(PARIS).date()
