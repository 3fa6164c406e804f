"""What a finance system gets and says: cursors, and the acknowledgement that it has fetched an invoice. Pure."""

import base64
import binascii
import re
from datetime import datetime
from typing import Final
from uuid import uuid5

import msgspec

from contracts.envelope import NAMESPACE
from services.status.inbox_store import Place
from services.status.model import Applied, Entry, FieldChange, Invoice

#: The name of the entry that says so.
FETCHED: Final = "fetched"
START: Final = Place(0, 0)
_CURSOR = re.compile(r"inbox (\d{1,19}) (\d{1,18})")
_LARGEST: Final = 2**63 - 1


def write_cursor(at: Place) -> str:
    """The place after which a finance system goes on. Opaque to clients."""
    return base64.urlsafe_b64encode(f"inbox {at.xid} {at.place}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> Place:
    """The reverse. ``ValueError`` for anything else."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("cursor") from error
    found = _CURSOR.fullmatch(text)
    if found is None or int(found[1]) > _LARGEST:
        raise ValueError("cursor")
    return Place(int(found[1]), int(found[2]))


def fetched(invoice: Invoice, actor: str, subject: str, reference: str | None, now: datetime) -> Applied:
    """The invoice with the entry that its recipient's finance system has fetched it, under its own ``reference``.

    It changes nothing that an action was decided on, so the invoice's version stays.
    """
    number = invoice.entries + 1
    changes = () if reference is None else (FieldChange("reference", None, reference),)
    entry = Entry(
        invoice=invoice.id,
        number=number,
        kind="action",
        actor=actor,
        at=now,
        visibility="all",
        cause=uuid5(NAMESPACE, f"{invoice.id}/action/{number}"),
        action=FETCHED,
        by=subject,
        changes=changes,
    )
    return Applied(invoice=msgspec.structs.replace(invoice, entries=number), entry=entry)
