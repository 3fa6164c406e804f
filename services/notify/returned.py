"""What a bounce says (RFC 3464), read by the standard library. Pure."""

import email
import email.policy
import re
from email.message import Message
from typing import Literal
from uuid import UUID

import msgspec

from services.notify import tokens
from services.notify.letters import one_line

#: A report of a few kilobytes says all; more is the mail itself, sent back.
MAX_BYTES = 1_000_000
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_NOT_ITS_OWN = frozenset({"5.1.7", "5.1.8", "5.1.9", "5.2.2", "5.2.3", "5.2.4"})
_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "To")
_ADDRESS = re.compile(r"[^\s<>,;:\"]+@[^\s<>,;:\"]+")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient's part of a delivery report. ``status`` is an RFC 3463 code."""

    action: Literal["failed", "delayed", "delivered", "relayed", "expanded"]
    status: str
    diagnostic: str

    @property
    def dead(self) -> bool:
        """Whether the address will never take mail: a permanent failure that blames the address or its mailbox.

        A full mailbox (5.2.2) is mended by its owner; 5.1.7 and 5.1.8 blame our own address, 5.1.9 a machine on the
        way, 5.2.3 the mail's size, 5.2.4 a list, 5.7 the mail or us, 5.3 to 5.6 the machines.
        """
        return self.action == "failed" and self.status.startswith(("5.1.", "5.2.")) and self.status not in _NOT_ITS_OWN


def read(raw: bytes) -> Report | None:
    """What a mail to the return address reports; None when it is no delivery report (somebody's absence, say)."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for block in blocks if isinstance(blocks, list) else []:
            found = _report(block) if isinstance(block, Message) else None
            if found is not None:
                return found
    return None


def _report(block: Message) -> Report | None:
    action = str(block.get("Action", "")).strip().lower()
    status = _STATUS.search(str(block.get("Status", "")))
    if status is None or action not in ("failed", "delayed", "delivered", "relayed", "expanded"):
        return None
    return Report(
        action=action,  # type: ignore[arg-type]  # one of them, just compared
        status=status[0],
        diagnostic=one_line(str(block.get("Diagnostic-Code", "")))[:300],
    )


def addressed_to(raw: bytes, told: str | None) -> list[str]:
    """The addresses that a bounce came to: as the mail server says it, else as the bounce's own header does."""
    if told:
        return [told.replace(" ", "+")]  # what a query that nobody encoded makes of the plus sign
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    text = " ".join(str(value) for name in _RECIPIENT_HEADERS for value in message.get_all(name, []))
    return _ADDRESS.findall(text)[:20]


def about(secret: str, addresses: list[str]) -> UUID:
    """The message whose bounce this is. Raises :class:`services.notify.tokens.InvalidToken` when none is ours."""
    for address in addresses:
        try:
            return tokens.returned(secret, address)
        except tokens.InvalidToken:
            continue
    raise tokens.InvalidToken
