"""What can be wrong with one entry of the directory by itself, one sentence each: the field, the value, the rule."""

import re
from collections.abc import Iterable, Iterator
from datetime import date

from invoice.directory import (
    Contact,
    Engagement,
    Entry,
    Identifier,
    NumberFormat,
    RuleOverride,
    Service,
    Structure,
    Tenant,
)
from invoice.identifiers import InvalidIdentifier, normalise_code, parse_siret
from invoice.kinds import KINDS
from invoice.money import has_cents_only
from invoice.references import MAX_LOOSE, MAX_REFERENCE, simple
from invoice.rules_table import changeable
from invoice.structure_identifiers import parse

MAX_SERVICE_CODE = 100  # chorus-pro.md 12.1
MAX_LOGO = 64_000  # characters of a data: URI; a greater image travels as an address
_TENANT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\".]+")
_POSTAL_CODE = re.compile(r"[0-9]{5}")
_LOGO = re.compile(r"https://\S+|data:image/(?:png|jpeg|svg\+xml);base64,[A-Za-z0-9+/=]+")


def entry_problems(entry: Entry) -> tuple[str, ...]:
    """What is wrong with an entry, whatever else the directory holds; empty when nothing is."""
    match entry:
        case Tenant():
            found = _tenant(entry)
        case Structure():
            found = _structure(entry)
        case Service():
            found = _service(entry)
        case Engagement():
            found = _engagement(entry)
    return tuple(f"{name_of(entry)}: {problem}" for problem in found)


def name_of(entry: Entry) -> str:
    """The entry in words: ``service 22060001900016/DRIT``."""
    match entry:
        case Tenant():
            return f"tenant {entry.id}"
        case Structure():
            return f"structure {entry.siret}"
        case Service():
            return f"service {entry.siret}/{entry.code}"
        case Engagement():
            return f"engagement {entry.siret}/{entry.number}"


def _tenant(tenant: Tenant) -> Iterator[str]:
    if not _TENANT_ID.fullmatch(tenant.id):
        yield "the id is 1 to 40 small letters, digits and hyphens"
    if not tenant.name.strip():
        yield "the name is empty"
    if tenant.sender is not None and not _EMAIL.fullmatch(tenant.sender):
        yield f"the sender {tenant.sender!r} is not an e-mail address"
    if tenant.logo is not None and (len(tenant.logo) > MAX_LOGO or not _LOGO.fullmatch(tenant.logo)):
        yield f"the logo is an https address or a data: URI of a PNG, JPEG or SVG, {MAX_LOGO} characters at the most"
    for contact in tenant.contacts:
        yield from _contact(contact)
    yield from _levels(tenant.policies.levels)


def _structure(structure: Structure) -> Iterator[str]:
    try:
        canonical = parse_siret(structure.siret)
    except InvalidIdentifier as error:
        yield error.code
    else:
        if canonical != structure.siret:
            yield "write the SIRET as 14 digits without spaces"
    if not structure.name.strip():
        yield "the name is empty"
    yield from _kind(structure)
    yield from _days(structure.valid_from, structure.valid_to)
    if structure.postal_code is not None and not _POSTAL_CODE.fullmatch(structure.postal_code):
        yield f"the postal code {structure.postal_code!r} is not 5 digits"
    yield from _contact(structure.contact)
    for known in structure.identifiers:
        yield from _identifier(known)
    for form in (*structure.engagement_formats, *structure.market_formats):
        yield from _format(form)
    yield from _levels(structure.levels)


def _kind(structure: Structure) -> Iterator[str]:
    kind = KINDS.get(structure.kind)
    if kind is None:
        yield f"the kind {structure.kind!r} is none of {', '.join(KINDS)}"
    elif structure.payment_days is not None and not 0 < structure.payment_days <= kind.days:
        yield f"a payment delay of {structure.payment_days} days: 1 to {kind.days}, a body may only shorten the law's"


def _service(service: Service) -> Iterator[str]:
    if not normalise_code(service.code):
        yield "the code is empty"
    elif len(service.code) > MAX_SERVICE_CODE:
        yield f"the code has {len(service.code)} characters, {MAX_SERVICE_CODE} at the most"
    yield from _days(service.valid_from, service.valid_to)
    yield from _contact(service.contact)


def _engagement(engagement: Engagement) -> Iterator[str]:
    if not normalise_code(engagement.number):
        yield "the number is empty"
    elif len(engagement.number) > MAX_REFERENCE:
        yield f"the number has {len(engagement.number)} characters, {MAX_REFERENCE} at the most"
    if engagement.supplier is not None:
        yield from _identifier(engagement.supplier)
    left = engagement.remaining
    if left is not None and (not left.is_finite() or left < 0 or not has_cents_only(left)):
        yield f"the remaining amount {left} is not an amount of euros and cents"


def _days(first: date | None, last: date | None) -> Iterator[str]:
    if first is not None and last is not None and first > last:
        yield "it ends before it begins"


def _contact(contact: Contact | None) -> Iterator[str]:
    if contact is not None and contact.email is not None and not _EMAIL.fullmatch(contact.email):
        yield f"the contact {contact.email!r} is not an e-mail address"


def _identifier(known: Identifier) -> Iterator[str]:
    try:
        canonical = parse(known.type, known.value)
    except InvalidIdentifier as error:
        yield f"{known.type}: {error.code}"
        return
    if canonical != known.normalised:
        yield f"{known.type}: {known.value!r} normalised is {canonical!r}"


def _format(form: NumberFormat) -> Iterator[str]:
    try:
        regex = re.compile(form.regex, re.ASCII)
    except re.error as error:
        yield f"the expression {form.regex!r} is broken: {error}"
        return
    if not simple(form.regex):
        yield (
            f"the expression {form.regex!r} is too complex: signs, classes and plain groups, {MAX_LOOSE} repetitions of"
            " varying length at the most; or write a second format"
        )
        return
    for example in form.examples:
        if regex.fullmatch(example) is None:
            yield f"the example {example!r} does not fit {form.regex!r}"


def _levels(levels: Iterable[RuleOverride]) -> Iterator[str]:
    for override in levels:
        if override.level not in changeable(override.code):
            yield f"the rule {override.code} cannot be set to {override.level}"
