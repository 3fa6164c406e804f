"""Who is who: every SIRET, SIREN and VAT number belongs to a company, and each company is one party at most.

A SIRET contains its SIREN and a French VAT number ends on it, so all numbers of one SIREN speak for each other. What
tells the party: the keyword, the block it stands in, a company's own mentions, its place on the page, the directory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.ocr import read_ids
from services.ocr.candidates import SIRETS, VATS
from services.ocr.known import Known
from services.ocr.read_blocks import PUBLIC_BODY, block, block_of, legal_mentions, lines_above, own_mentions
from services.ocr.read_candidate import Candidate
from services.ocr.scan import Scan, scan_of
from services.ocr.vocabulary import BLOCK_OTHER, BLOCK_RECIPIENT, BLOCK_SUPPLIER, RCS

Chosen = dict[str, tuple[Candidate, bool]]
SAID = 3.0  # the page says so: a keyword, a block's label
PRINTED = 2.0  # the company's own mentions
PLACED = 0.8  # where senders and addressees usually stand
MARGIN = 0.7  # what the best company must have before the next
FOOT, HEAD, LEFT = 0.15, 0.6, 0.42  # of the page's height and width


@dataclass(slots=True)
class Mention:
    """One number on a page: what it says about being the supplier's or the recipient's; ``other``: somebody else's."""

    kind: str
    candidate: Candidate
    siren: str
    valid: bool
    supplier: float = 0.0
    recipient: float = 0.0
    other: bool = False

    @property
    def value(self) -> str:
        return self.candidate.value

    def weight(self, role: str) -> float:
        """What speaks for the role, *supplier* or *recipient*."""
        return self.supplier if role == "supplier" else self.recipient


@dataclass(slots=True)
class Company:
    """All mentions of one SIREN."""

    siren: str
    mentions: list[Mention] = field(default_factory=list)

    def weight(self, role: str) -> float:
        """What speaks for the role: the best mention, and a little for each further one that agrees."""
        weights = sorted((mention.weight(role) for mention in self.mentions if not mention.other), reverse=True)
        return sum(weight if place == 0 else 0.2 * min(weight, 1.0) for place, weight in enumerate(weights))

    @property
    def elsewhere(self) -> bool:
        return all(mention.other for mention in self.mentions)

    @property
    def valid(self) -> bool:
        return any(mention.valid for mention in self.mentions)


def mentions(scans: Sequence[Scan], found: Sequence[Candidate], known: Known | None) -> list[Mention]:
    """Every number of a company that the pages announce, with what tells its owner."""
    result = []
    for candidate in found:
        if not candidate.value:
            continue
        scanned = scan_of(scans, candidate.page)
        mention = _mention(candidate)
        _weigh(scanned, mention)
        if known is not None and mention.kind == "siret" and mention.recipient < SAID and known(mention.value):
            mention.recipient += PRINTED
        result.append(mention)
    return result


def _mention(candidate: Candidate) -> Mention:
    value = candidate.value
    if candidate.field in SIRETS and len(value) == 14:
        return Mention("siret", candidate, value[:9], valid=True)
    if candidate.field in VATS:
        return Mention("vat", candidate, value[-9:], read_ids.is_vat(value))
    return Mention("siren", candidate, value, read_ids.is_siren(value) and not candidate.misprinted)


def _weigh(scanned: Scan, mention: Mention) -> None:
    candidate = mention.candidate
    named = candidate.field.partition("_")[0]
    if named in ("supplier", "recipient"):
        setattr(mention, named, SAID)
        return
    if own_mentions(candidate.segment):
        mention.supplier = SAID
        return
    label = block(scanned, candidate.hit)
    if label is None and candidate.segment is not candidate.hit.segment:
        label = block_of(scanned, _line_of(scanned, candidate), candidate.segment)
    if label is not None:
        mention.other = label == BLOCK_OTHER
        mention.supplier = SAID if label == BLOCK_SUPPLIER else 0.0
        mention.recipient = SAID if label == BLOCK_RECIPIENT else 0.0
        return
    page, (x0, y0, _, _) = scanned.page, candidate.box
    texts = lines_above(scanned, candidate.hit.line, candidate.hit.segment)
    if PUBLIC_BODY.match(texts[0]):  # under another first line it may be a place of delivery
        mention.recipient = PRINTED
    elif candidate.field == RCS or legal_mentions(scanned, candidate.hit.line):
        mention.supplier = PRINTED
    elif y0 < FOOT * page.height:
        mention.supplier = PRINTED - MARGIN
    elif y0 > HEAD * page.height and x0 < LEFT * page.width:
        mention.supplier = PLACED


def _line_of(scanned: Scan, candidate: Candidate) -> int:
    for index, line in enumerate(scanned.lines):
        if any(segment is candidate.segment for segment in line.segments):
            return index
    return candidate.hit.line


def decide(found: Sequence[Mention]) -> Chosen:
    """The numbers of both parties, each with whether it is sure.

    A company of which the page does not tell the party is the supplier if the recipient is known and no other such
    company stands on the pages; alone, it stays unsure.
    """
    companies: dict[str, Company] = {}
    for mention in found:
        companies.setdefault(mention.siren, Company(mention.siren)).mentions.append(mention)
    present = [company for company in companies.values() if not company.elsewhere]
    recipient = _leading("recipient", "supplier", present)
    supplier = _leading("supplier", "recipient", present)
    disputed = recipient is not None and recipient is supplier
    sure = supplier is not None and supplier.weight("supplier") >= PRINTED - MARGIN
    if supplier is None and not any(c.weight("supplier") > 0 for c in present if c is not recipient):
        nobodys = [company for company in present if company is not recipient]
        if len(nobodys) == 1:
            supplier, sure = nobodys[0], recipient is not None
    elif supplier is not None and not sure and recipient is not None and len(present) == 2:
        sure = True
    chosen: Chosen = {}
    if recipient is not None:
        chosen |= _numbers("recipient", recipient, sure=not disputed)
    if supplier is not None:
        chosen |= _numbers("supplier", supplier, sure=sure and not disputed)
    return chosen


def _leading(role: str, against: str, companies: Sequence[Company]) -> Company | None:
    """The one company that the pages give this role, before all others."""
    ranked = sorted(
        ((company.weight(role) + 0.3 * company.valid, company) for company in companies if company.weight(role) > 0),
        key=lambda pair: -pair[0],
    )
    ranked = [(weight, c) for weight, c in ranked if c.weight(role) >= c.weight(against)]
    if not ranked or (len(ranked) > 1 and ranked[0][0] - ranked[1][0] < MARGIN):
        return None
    return ranked[0][1]


def _numbers(role: str, company: Company, *, sure: bool) -> Chosen:
    own = [mention for mention in company.mentions if not mention.other]
    chosen: Chosen = {}
    for kind in ("siret", "vat"):
        best = _one([mention for mention in own if mention.kind == kind], role)
        if best is not None:
            chosen[f"{role}_{kind}"] = (best.candidate, sure and best.valid)
    chosen[f"{role}_siren"] = (_siren(own), sure and company.valid)
    return chosen


def _one(found: Sequence[Mention], role: str) -> Mention | None:
    """The number that speaks loudest for the role; None where two different ones do."""
    loudest = max((mention.weight(role) for mention in found), default=0.0)
    best = [mention for mention in found if mention.weight(role) == loudest]
    return best[0] if best and len({mention.value for mention in best}) == 1 else None


def _siren(own: Sequence[Mention]) -> Candidate:
    """The company's nine digits: alone where the page has them so, else inside its SIRET or VAT number."""
    mention = min(own, key=lambda m: ("siren", "siret", "vat").index(m.kind))
    candidate = mention.candidate
    if mention.kind == "siren":
        return candidate
    if mention.kind == "siret":
        start, end = 0, read_ids.nine_digits(candidate.raw)
    else:
        start, end = read_ids.last_nine(candidate.raw), len(candidate.raw)
    box = candidate.segment.box(candidate.start + start, candidate.start + end)
    return replace(candidate, value=mention.siren, raw=candidate.raw[start:end], box=box)
