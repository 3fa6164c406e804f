"""Who is told of what, and what becomes of an attempt. Pure."""

import hashlib
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec

from contracts.events import DepositRefused, DraftSaved, Payload, StatusChanged
from invoice.findings import Finding

PARIS: Final = ZoneInfo("Europe/Paris")
Audience = Literal["supplier", "body"]
#: What the relay's answer means for the message.
Result = Literal["accepted", "temporary", "permanent", "technical"]
#: Where a message stands. ``no_address``: nobody could be written to.
State = Literal["created", "sending", "accepted", "permanent", "technical", "no_address"]


class Rule(msgspec.Struct, frozen=True):
    """A kind of event and who is told of it at once. A ``legal`` notice cannot be switched off (decisions.md 13)."""

    kind: str
    audience: Audience
    legal: bool = False


#: chorus-pro.md 14 for the events that exist so far. Three cells differ from it or are not here, and why:
#: DEPOSEE to the supplier is a daily digest there: the deposit's own answer says it already, so no mail until digests
#: exist. MISE_A_DISPOSITION to the supplier is a digest there, sent at once here, for the same reason. The body's
#: notice goes to the managers of the structure and of the service, since users of a service have no account yet.
MATRIX: Final[tuple[Rule, ...]] = (
    Rule("MISE_A_DISPOSITION", "supplier"),
    Rule("MISE_A_DISPOSITION", "body", legal=True),
    Rule("A_RECYCLER", "supplier", legal=True),
    Rule("RECYCLEE", "body"),
    Rule("DRAFT_SAVED", "supplier"),
    Rule("DEPOSIT_REFUSED", "supplier", legal=True),
)


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message says, and nothing more of the invoice than that."""

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


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message to write: one event, one audience, one address. ``subject`` is the invoice's or deposit's id."""

    id: UUID
    subject: str
    kind: str
    audience: Audience
    address: str
    facts: Facts
    entry: int | None = None
    traceparent: str | None = None

    @property
    def state(self) -> State:
        """Where the message begins."""
        return "created" if self.address else "no_address"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event that somebody is told of: what it says, and by which rules."""

    kind: str
    facts: Facts
    rules: tuple[Rule, ...]
    entry: int | None = None
    contact: str | None = None

    def to(self, audience: Audience) -> bool:
        """Whether this audience is told."""
        return any(rule.audience == audience for rule in self.rules)


def told(data: Payload) -> Told | None:
    """Whom the matrix tells of an event; None when nobody. ``contact`` is the supplier's, where the event has it."""
    match data:
        case StatusChanged() if data.previous_siret is not None:
            found = Told(kind="RECYCLEE", facts=_of_departure(data), rules=_rules("RECYCLEE"), entry=data.entry)
        case StatusChanged():
            found = Told(kind=data.status_to, facts=_of_status(data), rules=_rules(data.status_to), entry=data.entry)
        case DraftSaved():
            facts = Facts(at=data.saved_at, file_name=data.file_name, reasons=data.reasons)
            found = Told(kind="DRAFT_SAVED", facts=facts, rules=_rules("DRAFT_SAVED"), contact=data.contact)
        case DepositRefused():
            facts = Facts(
                at=data.refused_at, number=data.invoice_number, file_name=data.file_name, reasons=data.reasons
            )
            found = Told(kind="DEPOSIT_REFUSED", facts=facts, rules=_rules("DEPOSIT_REFUSED"), contact=data.contact)
        case _:
            return None
    return found if found.rules else None


def _rules(kind: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in MATRIX if rule.kind == kind)


def _of_status(data: StatusChanged) -> Facts:
    return Facts(
        at=data.changed_at,
        number=data.invoice_number,
        issue_date=data.issue_date,
        payable=data.payable,
        currency=data.currency,
        supplier_siret=data.supplier_siret,
        recipient_siret=data.recipient_siret,
        recipient_name=data.recipient_name,
        service_code=data.service_code,
        service_label=data.service_label,
        reasons=data.reasons,
    )


def _of_departure(data: StatusChanged) -> Facts:
    """What the body that the invoice has left is told: nothing of whom it is addressed to now."""
    return msgspec.structs.replace(
        _of_status(data),
        recipient_siret=data.previous_siret,
        recipient_name=None,
        service_code=data.previous_service_code,
        service_label=None,
        reasons=(),
    )


def messages(
    what: Told, cause: UUID, subject: str, traceparent: str | None, addresses: dict[Audience, Sequence[str]]
) -> list[Message]:
    """One message per audience and address; an audience without a usable address gets one that says so."""
    made: list[Message] = []
    for rule in what.rules:
        usable = [address for address in map(clean_address, addresses[rule.audience]) if address]
        for address in dict.fromkeys(usable or [""]):
            made.append(
                Message(
                    id=message_id(cause, rule.audience, address),
                    subject=subject,
                    kind=what.kind,
                    audience=rule.audience,
                    address=address,
                    facts=what.facts,
                    entry=what.entry,
                    traceparent=traceparent,
                )
            )
    return made


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
    """What the relay said, or why it said nothing. ``reached`` is False when no connection could be made."""

    result: Result
    at: datetime
    host: str
    code: int | None = None
    text: str = ""
    tls: bool = False
    reached: bool = True


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


def result_of(stage: Stage, code: int) -> Result:
    """What an SMTP answer means. Only the recipient and the content can be refused for good: a 5xx before them says
    that the relay refuses us (credentials, TLS, sender), and every message would be lost to one wrong setting."""
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
