"""What an event is about, as an id: locks and order go by its text, so that only one spelling will do."""

from uuid import UUID

from contracts.envelope import Event
from services.common.failures import Rejected


def invoice_id(event: Event) -> UUID:
    """The invoice that an event is about. Raises :class:`Rejected` ``SUBJECT_NOT_AN_INVOICE``."""
    return subject_id(event, "SUBJECT_NOT_AN_INVOICE", "ce_subject must be the invoice's UUID")


def subject_id(event: Event, code: str, rule: str) -> UUID:
    """The subject as an id. Raises :class:`Rejected` with that code and rule."""
    try:
        found = UUID(event.subject)
    except ValueError as error:
        raise Rejected(code, rule) from error
    if str(found) != event.subject:  # another spelling would be another key: other locks, another order
        raise Rejected(code, f"{rule} in its canonical spelling")
    return found
