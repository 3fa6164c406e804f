"""What can be wrong with one entry of the directory by itself, one French sentence each: field, value, rule."""

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
from invoice.references import MAX_FORMATS, MAX_LOOSE, MAX_REFERENCE, simple
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
    return tuple(f"{name_of(entry)} : {problem}" for problem in found)


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
        yield f"l'identifiant {tenant.id!r} ne convient pas : 1 à 40 minuscules, chiffres et tirets."
    if not tenant.name.strip():
        yield "le nom est vide : donnez-en un."
    if tenant.sender is not None and not _EMAIL.fullmatch(tenant.sender):
        yield f"l'expéditeur {tenant.sender!r} n'est pas une adresse électronique (nom@domaine.fr)."
    if tenant.logo is not None and (len(tenant.logo) > MAX_LOGO or not _LOGO.fullmatch(tenant.logo)):
        yield f"le logo est une adresse https ou une URI data: d'un PNG, JPEG ou SVG, de {MAX_LOGO} caractères au plus."
    for contact in tenant.contacts:
        yield from _contact(contact)
    yield from _levels(tenant.policies.levels)


def _structure(structure: Structure) -> Iterator[str]:
    try:
        canonical = parse_siret(structure.siret)
    except InvalidIdentifier as error:
        yield f"le SIRET {structure.siret!r} n'est pas valide ({error.code}) : recopiez ses 14 chiffres."
    else:
        if canonical != structure.siret:
            yield f"le SIRET {structure.siret!r} s'écrit en 14 chiffres, sans espace."
    if not structure.name.strip():
        yield "le nom est vide : donnez-en un."
    yield from _kind(structure)
    yield from _days(structure.valid_from, structure.valid_to)
    if structure.postal_code is not None and not _POSTAL_CODE.fullmatch(structure.postal_code):
        yield f"le code postal {structure.postal_code!r} ne compte pas 5 chiffres."
    yield from _contact(structure.contact)
    for known in structure.identifiers:
        yield from _identifier(known)
    for what, forms in (("d'engagement", structure.engagement_formats), ("de marché", structure.market_formats)):
        if len(forms) > MAX_FORMATS:
            yield f"{len(forms)} formats {what} : {MAX_FORMATS} au plus."
            continue
        for form in forms:
            yield from _format(form)
    yield from _levels(structure.levels)


def _kind(structure: Structure) -> Iterator[str]:
    kind = KINDS.get(structure.kind)
    if kind is None:
        yield f"le type {structure.kind!r} n'existe pas ; les types sont : {', '.join(KINDS)}."
    elif structure.payment_days is not None and not 0 < structure.payment_days <= kind.days:
        yield (
            f"un délai de paiement de {structure.payment_days} jours ne convient pas : de 1 à {kind.days} jours, car un"
            " organisme ne peut que raccourcir celui de la loi."
        )


def _service(service: Service) -> Iterator[str]:
    if not normalise_code(service.code):
        yield "le code est vide : donnez-en un."
    elif len(service.code) > MAX_SERVICE_CODE:
        yield f"le code compte {len(service.code)} caractères : {MAX_SERVICE_CODE} au plus."
    yield from _days(service.valid_from, service.valid_to)
    yield from _contact(service.contact)


def _engagement(engagement: Engagement) -> Iterator[str]:
    if not normalise_code(engagement.number):
        yield "le numéro est vide : donnez-en un."
    elif len(engagement.number) > MAX_REFERENCE:
        yield f"le numéro compte {len(engagement.number)} caractères : {MAX_REFERENCE} au plus."
    if engagement.supplier is not None:
        yield from _identifier(engagement.supplier)
    left = engagement.remaining
    if left is not None and (not left.is_finite() or left < 0 or not has_cents_only(left)):
        yield f"le reste {left} n'est pas un montant positif en euros et centimes."


def _days(first: date | None, last: date | None) -> Iterator[str]:
    if first is not None and last is not None and first > last:
        yield f"la fin ({last}) précède le début ({first})."


def _contact(contact: Contact | None) -> Iterator[str]:
    if contact is not None and contact.email is not None and not _EMAIL.fullmatch(contact.email):
        yield f"le courriel du contact {contact.email!r} n'est pas une adresse électronique (nom@domaine.fr)."


def _identifier(known: Identifier) -> Iterator[str]:
    try:
        canonical = parse(known.type, known.value)
    except InvalidIdentifier as error:
        yield f"l'identifiant {known.value!r} n'est pas un {known.type} valide ({error.code}) : recopiez-le."
        return
    if canonical != known.normalised:
        yield f"l'identifiant {known.type} {known.value!r} s'écrit {canonical!r} une fois normalisé."


def _format(form: NumberFormat) -> Iterator[str]:
    try:
        regex = re.compile(form.regex, re.ASCII)
    except re.error as error:
        yield f"l'expression {form.regex!r} est mal formée ({error})."
        return
    if not simple(form.regex):
        yield (
            f"l'expression {form.regex!r} est trop complexe : des signes, classes et groupes simples, {MAX_LOOSE}"
            " répétitions de longueur variable ou groupes à choix au plus ; sinon écrivez un second format."
        )
        return
    for example in form.examples:
        if regex.fullmatch(example) is None:
            yield f"l'exemple {example!r} ne suit pas l'expression {form.regex!r}."


def _levels(levels: Iterable[RuleOverride]) -> Iterator[str]:
    for override in levels:
        if override.level not in changeable(override.code):
            yield f"la règle {override.code} ne peut pas être mise à « {override.level} »."
