"""Entries of the directory: tenants, public structures, services, engagements and the rules they state.

An entry is what a body publishes. Everything here is public but the engagements, which only their supplier and their
body see. Managers and their addresses are never part of an entry.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from invoice.sandbox import is_sandbox

RuleLevel = Literal["off", "warn", "refuse"]
TenantStatus = Literal["active", "suspended"]
IdentifierType = Literal["SIRET", "UE_HORS_FRANCE", "HORS_UE", "RIDET", "TAHITI", "AUTRE", "PARTICULIER"]


class Contact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom the public may ask: a service's name rather than a person's. ``hours`` in words."""

    name: str | None = None
    email: str | None = None
    telephone: str | None = None
    hours: str | None = None


class Identifier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the seven identifiers of a structure (chorus-pro.md 4): ``value`` as written, ``normalised`` as compared.

    Made by :func:`invoice.structure_identifiers.identifier`, which checks it.
    """

    type: IdentifierType
    value: str
    normalised: str


class RuleOverride(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another level for one addressing rule (decisions.md 21). Only what ``invoice.rules_table`` allows has effect."""

    code: str
    level: Literal["warn", "refuse"]


class Policies(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a tenant decides for all its structures. A structure's own ``levels`` go first.

    ``hidden_motifs``: codes of ``motifs.yaml`` that are not offered (decisions.md 11). ``recycling_restarts_delay``:
    another structure after recycling starts the payment delay anew (decisions.md 2). ``lifecycle``: whether statuses
    must come in order (decisions.md 9). ``refused_a9_goes_on``: an A9 that its validator refuses is handed to the buyer
    as S3 is (decisions.md 4). ``unchanged_days``: after how many days in one status people are reminded; None, or
    less than one: the platform's number.
    """

    levels: tuple[RuleOverride, ...] = ()
    hidden_motifs: tuple[str, ...] = ()
    recycling_restarts_delay: bool = True
    lifecycle: Literal["strict", "lenient"] = "strict"
    refused_a9_goes_on: bool = False
    unchanged_days: int | None = None


class Tenant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A département or a group of bodies. ``id`` is short and stable (``cd06``); not ``active`` means suspended.

    ``logo``: address of an image (https), or the image itself as a ``data:`` URI. ``sender``: the address that its
    e-mails leave from. ``contacts`` are public.
    """

    id: str
    name: str
    active: bool = True
    logo: str | None = None
    sender: str | None = None
    contacts: tuple[Contact, ...] = ()
    policies: Policies = Policies()

    @property
    def sandbox(self) -> bool:
        """Whether it is there to try things with (:mod:`invoice.sandbox`)."""
        return is_sandbox(self.id)

    @property
    def status(self) -> TenantStatus:
        """The state of the tenant in a word."""
        return "active" if self.active else "suspended"


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a structure demands (chorus-pro.md 12.1). ``None`` in the source is loaded as not required.

    ``market_required`` is a level: ``warn`` where the body expects the number without refusing (decisions.md 21).
    ``moa``: the body is a works client too; ``moa_only``: nothing else. ``payment_status_reported``: whether *mise en
    paiement* will be told; None where the body does not say.
    """

    service_required: bool = False
    engagement_required: bool = False
    service_or_engagement: bool = False
    market_required: RuleLevel = "off"
    market_replaces_engagement: bool = False
    moa_only: bool = False
    payment_status_reported: bool | None = None
    moa: bool = False


class NumberFormat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The shape of a body's numbers: an anchored regular expression and the mask shown to people. It only warns."""

    regex: str
    mask: str
    examples: tuple[str, ...] = ()


class Structure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public structure that may receive invoices, by SIRET (14 digits).

    ``kind`` is a code of ``data/kinds.yaml``; ``payment_days`` a shorter delay than the kind's. It receives while
    ``active`` and from ``valid_from`` to ``valid_to``, both included. ``services_stated``: the list of services is
    whole; ``engagements_stated``: that of engagements too, so that an unknown one can be told. ``levels`` are the
    body's own levels of addressing rules.
    """

    siret: str
    name: str
    tenant: str
    kind: str
    active: bool = True
    group: str | None = None
    budget_code: str | None = None
    parameters: Parameters = Parameters()
    engagement_formats: tuple[NumberFormat, ...] = ()
    market_formats: tuple[NumberFormat, ...] = ()
    services_stated: bool = True
    valid_from: date | None = None
    valid_to: date | None = None
    town: str | None = None
    postal_code: str | None = None
    contact: Contact | None = None
    identifiers: tuple[Identifier, ...] = ()
    payment_days: int | None = None
    engagements_stated: bool = False
    levels: tuple[RuleOverride, ...] = ()


class Service(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A service of a structure. ``code`` as the body writes it; compared by ``normalise_code``.

    A parameter that is not None stands in place of the structure's for invoices to this service;
    ``engagement_required`` only adds to it.
    """

    siret: str
    code: str
    label: str
    active: bool = True
    valid_from: date | None = None
    valid_to: date | None = None
    engagement_required: bool | None = None
    market_required: RuleLevel | None = None
    market_replaces_engagement: bool | None = None
    moa: bool | None = None
    moa_only: bool | None = None
    payment_status_reported: bool | None = None
    contact: Contact | None = None


class Engagement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An engagement (purchase order) that a body's finance system knows. ``number`` as the body writes it.

    Compared by ``normalise_code``. ``supplier``: for whom it was made, None where the body does not say.
    ``remaining``: what is left of it, in euros, None where it is not followed.
    """

    siret: str
    number: str
    supplier: Identifier | None = None
    service_code: str | None = None
    open: bool = True
    remaining: Decimal | None = None


Entry = Tenant | Structure | Service | Engagement


def bare(entry: Entry) -> Entry:
    """The entry with what names it and nothing else: what the announcement of a deletion carries."""
    match entry:
        case Tenant():
            return Tenant(id=entry.id, name=entry.name)
        case Structure():
            return Structure(siret=entry.siret, name=entry.name, tenant=entry.tenant, kind=entry.kind)
        case Service():
            return Service(siret=entry.siret, code=entry.code, label=entry.label)
        case Engagement():
            return Engagement(siret=entry.siret, number=entry.number)
