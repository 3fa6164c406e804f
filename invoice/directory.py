"""Entries of the directory: tenants, public structures, services and the rules they state."""

from datetime import date
from typing import Literal

import msgspec

RuleLevel = Literal["off", "warn", "refuse"]


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A département or a group of bodies. ``id`` is short and stable (``cd06``)."""

    id: str
    name: str
    active: bool = True


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a structure demands (chorus-pro.md 12.1). ``None`` in the source is loaded as not required.

    ``market_required`` is a level: ``warn`` where the body expects the number without refusing (decisions.md 21).
    """

    service_required: bool = False
    engagement_required: bool = False
    service_or_engagement: bool = False
    market_required: RuleLevel = "off"
    market_replaces_engagement: bool = False
    moa_only: bool = False
    payment_status_reported: bool | None = None


class NumberFormat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The shape of a body's numbers: an anchored regular expression and the mask shown to people. It only warns."""

    regex: str
    mask: str
    examples: tuple[str, ...] = ()


class Structure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public structure that may receive invoices, by SIRET (14 digits)."""

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


class Service(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A service of a structure. ``code`` as the body writes it; compared by ``normalise_code``."""

    siret: str
    code: str
    label: str
    active: bool = True
    valid_from: date | None = None
    valid_to: date | None = None
    engagement_required: bool | None = None
