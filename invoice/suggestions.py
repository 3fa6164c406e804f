"""What may have been meant where an addressing rule fails: the nearest valid values, each with a confidence.

A suggestion is always one that the directory takes: a structure that receives, a service that is open, an engagement of
this supplier that is open, or a number of the body's own shape where it has not given its engagements. It is shown,
never applied. Why and the sentences stand in ``data/suggestions.yaml``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Self

import msgspec

from invoice import near, packaged
from invoice.address import Address, Around
from invoice.directory import Engagement, Service, Structure
from invoice.engagement_rules import is_of
from invoice.findings import Finding, Suggestion
from invoice.identifiers import normalise, show_siret, siren_of
from invoice.suggestion_searches import SEARCHES, Found, Known, Query

__all__ = ["REASONS", "Facts", "Known", "Reason", "ToAsk", "can_be_suggested", "sirets_to_ask", "suggest", "to_ask"]

MOST = 3
_SHARED_DOUBT = 0.7
_MANY_DOUBT = 0.5


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the table: the confidence that a reason gives by itself, and its sentence."""

    confidence: float
    sentence: str


REASONS: Mapping[str, Reason] = msgspec.convert(packaged.load("suggestions.yaml"), dict[str, Reason])


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A :class:`Known` made of what was looked up for one batch of invoices."""

    structures: Mapping[str, Structure] = MappingProxyType({})
    by_siren: Mapping[str, Sequence[Structure]] = MappingProxyType({})
    by_structure: Mapping[str, Mapping[str, Service]] = MappingProxyType({})
    open_engagements: Mapping[str, Sequence[Engagement]] = MappingProxyType({})
    suspended_tenants: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        structures: Iterable[Structure],
        services: Mapping[str, Mapping[str, Service]] = MappingProxyType({}),
        engagements: Iterable[Engagement] = (),
        suspended: Iterable[str] = (),
    ) -> Self:
        """Facts by what they are asked by; ``services`` by SIRET, then by normalised code; ``suspended`` tenants."""
        known = {structure.siret: structure for structure in structures}
        by_siren: dict[str, list[Structure]] = {}
        for structure in known.values():
            by_siren.setdefault(siren_of(structure.siret), []).append(structure)
        by_owner: dict[str, list[Engagement]] = {}
        for engagement in engagements:
            by_owner.setdefault(engagement.siret, []).append(engagement)
        return cls(
            structures=known,
            by_siren=by_siren,
            by_structure=services,
            open_engagements=by_owner,
            suspended_tenants=frozenset(suspended),
        )

    def structure(self, siret: str) -> Structure | None:
        return self.structures.get(siret)

    def siblings(self, siren: str) -> Iterable[Structure]:
        return self.by_siren.get(siren, ())

    def suspended(self, tenant: str) -> bool:
        return tenant in self.suspended_tenants

    def services(self, siret: str) -> Mapping[str, Service]:
        return self.by_structure.get(siret, {})

    def engagements(self, siret: str, supplier: str) -> Iterable[Engagement]:
        return (e for e in self.open_engagements.get(siret, ()) if is_of(e, supplier))


def can_be_suggested(finding: Finding) -> bool:
    """Whether something may be suggested in answer to a finding."""
    return finding.code in SEARCHES


def sirets_to_ask(address: Address) -> tuple[str, ...]:
    """The SIRETs whose structures :func:`suggest` will ask for, beside those of the recipient's SIREN."""
    return (normalise(address.recipient_siret), *near.sirets(address.recipient_siret))


class ToAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What to look up before :func:`suggest`: structures by SIRET, and those of SIRENs, as they are written.

    ``owners``: pairs of a structure's SIRET and the SIREN of the supplier whose open engagements count.
    """

    sirets: frozenset[str]
    sirens: frozenset[str]
    owners: frozenset[tuple[str, str]]


def to_ask(failed: Iterable[tuple[Address, Iterable[Finding]]]) -> ToAsk:
    """What :func:`suggest` will ask for these addresses, given what was found about each."""
    sirets: set[str] = set()
    sirens: set[str] = set()
    owners: set[tuple[str, str]] = set()
    for address, findings in failed:
        fields = {found.field for found in findings if can_be_suggested(found)}
        recipient = normalise(address.recipient_siret)
        sirets.add(recipient)
        if "recipient_siret" in fields:
            sirets.update(sirets_to_ask(address))
            sirens.add(siren_of(recipient))
        if "engagement" in fields and address.supplier:
            owners.add((recipient, siren_of(address.supplier)))
    return ToAsk(sirets=frozenset(sirets), sirens=frozenset(sirens), owners=frozenset(owners))


def suggest(
    address: Address,
    findings: Iterable[Finding],
    on: date,
    known: Known,
    *,
    around: Around | None = None,
    texts: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """The findings of a decision, those that fail with what may have been meant, likeliest first, three at the most.

    ``on`` is the day of the decision, ``around`` what it was decided with, ``texts`` what stands on the invoice.
    """
    query = Query(address, on, known, around, tuple(texts))
    return tuple(_with_suggestions(query, finding) for finding in findings)


def _with_suggestions(query: Query, finding: Finding) -> Finding:
    look = SEARCHES.get(finding.code)
    if look is None:
        return finding
    field, search = look
    written = getattr(query.address, field) or ""
    found = _ranked(field, written, search(query, written))
    return msgspec.structs.replace(finding, suggestions=found) if found else finding


def _ranked(field: str, written: str, found: Iterable[Found]) -> tuple[Suggestion, ...]:
    """The best reason of each value; values that share one reason share its doubt too."""
    best: dict[str, Found] = {}
    for one in found:
        if one.value == written:
            continue
        other = best.get(one.value)
        if other is None or REASONS[other.why].confidence < REASONS[one.why].confidence:
            best[one.value] = one
    alike: dict[str, int] = {}
    for one in best.values():
        alike[one.why] = alike.get(one.why, 0) + 1
    made = [_suggestion(field, written, one, alike[one.why]) for one in best.values()]
    return tuple(sorted(made, key=lambda s: (-s.confidence, s.value))[:MOST])


def _suggestion(field: str, written: str, found: Found, alike: int) -> Suggestion:
    reason = REASONS[found.why]
    shown = show_siret(found.value) if field == "recipient_siret" else found.value
    confidence = reason.confidence * (1.0 if alike == 1 else _SHARED_DOUBT if alike <= MOST else _MANY_DOUBT)
    if found.why == "CODE_NEAR" and len(found.value) < 4:
        confidence *= len(found.value) / 4
    words = {"value": shown, "label": found.label, "written": written}
    return Suggestion(
        field=field,
        value=found.value,
        confidence=round(confidence, 2),
        why=found.why,
        sentence=reason.sentence.format_map(words),
        label=found.label or None,
    )
