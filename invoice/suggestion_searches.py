"""Where the values come from that are suggested: structures, services and numbers near what was written."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Protocol

import msgspec

from invoice import hints, near
from invoice.address import PUBLIC_INVOICES_SERVICE, Address, Around
from invoice.directory import Engagement, NumberFormat, Service, Structure
from invoice.edits import next_to, one_edit
from invoice.engagement_rules import is_of
from invoice.identifiers import is_state, normalise, normalise_code
from invoice.kinds import PRINCIPAL
from invoice.service_index import open_on, open_services

FEW = 3
MANY_SIBLINGS = 2_000
MANY_SERVICES = 5_000
MANY_ENGAGEMENTS = 500
MUCH_TEXT = 20_000
FEW_TO_COMPARE = 1_000
_bare = lru_cache(maxsize=16_384)(near.bare)
_folded = lru_cache(maxsize=16_384)(near.folded)


class Known(Protocol):
    """What the directory answers. A service backs it by what it has looked up beforehand: see :func:`to_ask`."""

    def structure(self, siret: str) -> Structure | None:
        """The structure of a SIRET."""

    def siblings(self, siren: str) -> Iterable[Structure]:
        """Structures of a SIREN, as many as the caller cares to give."""

    def suspended(self, tenant: str) -> bool:
        """Whether a tenant receives nothing for the time being."""

    def services(self, siret: str) -> Mapping[str, Service]:
        """The services of a structure by normalised code."""

    def engagements(self, siret: str, supplier: str) -> Iterable[Engagement]:
        """A supplier's open engagements at a structure. Never another supplier's."""


class Found(msgspec.Struct, frozen=True):
    """A value, why it may have been meant (``data/suggestions.yaml``), and what it designates."""

    value: str
    why: str
    label: str = ""


class Query(msgspec.Struct, frozen=True):
    """One decision, with what the directory can be asked."""

    address: Address
    on: date
    known: Known
    around: Around | None
    texts: tuple[str, ...]

    @property
    def siret(self) -> str:
        """The recipient's SIRET without spaces; it may be none."""
        return normalise(self.address.recipient_siret)

    @property
    def structure(self) -> Structure | None:
        """The recipient, where the directory has it."""
        return self.known.structure(self.siret)


def _recipients(query: Query, written: str) -> Iterator[Found]:
    """SIRETs one digit away that a structure has, and the other structures of the same body."""
    for siret, why in near.sirets(written).items():
        structure = query.known.structure(siret)
        if structure is not None and _receives(query, structure):
            yield Found(siret, why, hints.display_name(structure))
    siret = query.siret
    if len(siret) >= 9 and siret[:9].isascii() and siret[:9].isdigit():
        for sibling in islice(query.known.siblings(siret[:9]), MANY_SIBLINGS):
            if _receives(query, sibling):
                differing = sum(a != b for a, b in zip(siret[9:], sibling.siret[9:], strict=False))
                why = "PRINCIPAL" if sibling.kind == PRINCIPAL else "SAME_BODY"
                if len(siret) == 14 and differing <= 2:
                    why = "SAME_BODY_NEAR"
                yield Found(sibling.siret, why, hints.display_name(sibling))


def _elsewhere(query: Query, written: str) -> Iterator[Found]:
    """The structures of the same body that know the references written."""
    around = query.around
    if around is None:
        return
    owners = [s.siret for s in around.services if open_on(s, query.on)]
    owners += [e.siret for e in around.engagements if e.open and is_of(e, query.address.supplier)]
    for siret in owners:
        sibling = around.siblings.get(siret)
        if sibling is not None and _receives(query, sibling):
            yield Found(siret, "REFERENCE_ELSEWHERE", hints.display_name(sibling))


def _receives(query: Query, structure: Structure) -> bool:
    """Whether a structure can be proposed: it is open on the day and takes simple invoices, its tenant is active."""
    able = open_on(structure, query.on) and not structure.parameters.moa_only and not is_state(structure.siret)
    return able and not query.known.suspended(structure.tenant)


def _services(query: Query, written: str) -> Iterator[Found]:
    """Open services whose code is nearly the one written, or whose label stands on the invoice."""
    offered = _offered(query)
    wanted, stripped = normalise_code(written[:200]), near.bare(written[:200])
    words = {normalise_code(word) for word in written[:200].split()}
    page = "\n".join(near.folded(text[:MUCH_TEXT]) for text in query.texts[:20])[:MUCH_TEXT]
    folded = near.folded(written[:200])
    of_engagement = _service_of_engagement(query)
    beside = set(next_to(wanted[:100], offered)) if wanted else set()
    for key, service in offered.items():
        if stripped and _bare(key) == stripped:
            yield Found(service.code, "CODE_SPELLING", service.label)
        elif key in words:
            yield Found(service.code, "CODE_WRITTEN", service.label)
        elif key in beside:
            yield Found(service.code, "CODE_NEAR", service.label)
        if _stands_in(service.label, folded, page):
            yield Found(service.code, "LABEL_WRITTEN", service.label)
        if key == of_engagement:
            yield Found(service.code, "ENGAGEMENT_SERVICE", service.label)
    if wanted and len(offered) <= FEW_TO_COMPARE:
        for key in get_close_matches(wanted, offered, n=FEW, cutoff=0.7):
            yield Found(offered[key].code, "CODE_ALIKE", offered[key].label)


def _offered(query: Query) -> dict[str, Service]:
    """The open services of the recipient, as far as they may be proposed to this supplier."""
    found = open_services(query.known.services(query.siret), query.on)
    hidden = PUBLIC_INVOICES_SERVICE if not query.address.supplier_is_public else ""
    allowed = ((key, service) for key, service in found.items() if key != hidden and not service.moa_only)
    return dict(islice(allowed, MANY_SERVICES))


def _stands_in(label: str, written: str, page: str) -> bool:
    """Whether a label stands in what was written, or on the page: there one common word is not enough."""
    words = _folded(label)
    if len(words) < 5:
        return False
    return words in written or (words.count(" ") > 2 and words in page)


def _service_of_engagement(query: Query) -> str | None:
    """The service of the engagement written, if it is this supplier's own."""
    engagement = None if query.around is None else query.around.engagement
    if engagement is None or engagement.service_code is None or not is_of(engagement, query.address.supplier):
        return None
    return normalise_code(engagement.service_code)


def _numbers(query: Query, written: str) -> Iterator[Found]:
    """The supplier's own open engagements that are nearly what was written; else numbers of the body's shape."""
    structure = query.structure
    if structure is None:
        return
    mine = _mine(query)
    wanted, stripped = normalise_code(written[:200]), near.bare(written[:200])
    for key, engagement in mine.items():
        if stripped and near.bare(key) == stripped:
            yield Found(engagement.number, "SPELLING")
        elif len(wanted) >= 4 and key.endswith(wanted):
            yield Found(engagement.number, "PREFIX_MISSING")
        elif wanted and one_edit(wanted, key):
            yield Found(engagement.number, "NUMBER_NEAR")
        elif len(mine) <= FEW:
            yield Found(engagement.number, "OPEN_ENGAGEMENT")
    for number, why in near.numbers(structure.engagement_formats, written).items():
        known = mine.get(normalise_code(number))
        if known is not None:
            yield Found(known.number, why)
        elif not structure.engagements_stated:
            yield Found(number, why)


def _mine(query: Query) -> dict[str, Engagement]:
    """The supplier's open engagements there, by normalised number: what others have is never looked at."""
    supplier = query.address.supplier
    if not supplier:
        return {}
    found: dict[str, Engagement] = {}
    for engagement in query.known.engagements(query.siret, supplier):
        if engagement.open and is_of(engagement, supplier):
            found[normalise_code(engagement.number)] = engagement
        if len(found) >= MANY_ENGAGEMENTS:
            break
    return found


def _markets(query: Query, written: str) -> Iterator[Found]:
    formats: tuple[NumberFormat, ...] = () if query.structure is None else query.structure.market_formats
    return (Found(number, why) for number, why in near.numbers(formats, written).items())


Search = Callable[[Query, str], Iterator[Found]]
#: Of which field of the address the values are, and where they are looked for, by the code that failed.
SEARCHES: Mapping[str, tuple[str, Search]] = {
    **dict.fromkeys(
        ("DEST_SIRET_INVALID", "DEST_INC", "DEST_NOT_A_BUDGET", "DEST_INACTIVE", "DEST_EXPIRED", "DEST_NOT_YET_OPEN"),
        ("recipient_siret", _recipients),
    ),
    **dict.fromkeys(("DEST_OTHER_BUDGET",), ("recipient_siret", _elsewhere)),
    **dict.fromkeys(
        (
            "SERVICE_REQUIRED",
            "SERVICE_UNKNOWN",
            "SERVICE_OF_OTHER_STRUCTURE",
            "SERVICE_UNCHECKED",
            "SERVICE_INACTIVE",
            "SERVICE_NOT_YET_VALID",
            "SERVICE_EXPIRED",
            "SERVICE_RESERVED",
            "SERVICE_OR_ENGAGEMENT_REQUIRED",
        ),
        ("service_code", _services),
    ),
    **dict.fromkeys(
        (
            "ENGAGEMENT_REQUIRED",
            "ENGAGEMENT_FORMAT",
            "ENGAGEMENT_SPELLING",
            "ENGAGEMENT_UNKNOWN",
            "ENGAGEMENT_CLOSED",
            "ENGAGEMENT_OTHER_SUPPLIER",
        ),
        ("engagement", _numbers),
    ),
    **dict.fromkeys(("MARKET_FORMAT", "MARKET_SPELLING"), ("contract", _markets)),
}
