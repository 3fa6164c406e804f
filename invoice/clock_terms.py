"""The terms of an invoice's payment delay: from its cadre, recipient and contract (L2192-10, R2192-10, R2192-11)."""

from typing import Final

from invoice import cadres
from invoice.clock_shapes import NothingDue, Terms
from invoice.directory import Service, Structure
from invoice.kinds import DEFAULT_DAYS, payment_days
from invoice.model import InvoiceHeader
from invoice.policies import DEFAULT, Circuit, Policy

#: A contract may set less than the law, never more, and never nothing (L2192-10).
_LEAST_DAYS: Final = 1
_CREDIT_NOTE: Final = "381"


def length(structure: Structure | None, contract_days: int | None = None) -> int:
    """The delay in days: that of the kind of body (30, 50, 60), less where the body or the contract says so.

    ``structure`` None while the recipient is not known: 30 days. A contract that sets more counts for nothing.
    """
    days = DEFAULT_DAYS if structure is None else payment_days(structure)
    return days if contract_days is None else max(_LEAST_DAYS, min(days, contract_days))


def is_payment_reported(structure: Structure | None, service: Service | None = None) -> bool | None:
    """Whether *mise en paiement* will be told; None where the body does not say. The service's word goes first."""
    if service is not None and service.payment_status_reported is not None:
        return service.payment_status_reported
    return None if structure is None else structure.parameters.payment_status_reported


def terms_of(
    header: InvoiceHeader,
    circuit: Circuit,
    structure: Structure | None,
    *,
    service: Service | None = None,
    contract_days: int | None = None,
    policy: Policy = DEFAULT,
) -> Terms:
    """The terms of an invoice. ``structure`` and ``service``: those to which it is available, None before."""
    return Terms(
        days=length(structure, contract_days),
        kind=circuit.kind,
        payable=header.payable,
        currency=header.currency,
        recycling_restarts_delay=policy.recycling_restarts_delay,
        payment_reported=is_payment_reported(structure, service),
        nothing_due=_nothing_due(header),
    )


def _nothing_due(header: InvoiceHeader) -> NothingDue | None:
    if header.type_code == _CREDIT_NOTE:
        return "credit_note"
    return "already_paid" if cadres.of(header).code == "A2" else None
