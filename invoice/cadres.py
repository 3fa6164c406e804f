"""Cadres de facturation: who deposits which piece, whom it names, what it follows (chorus-pro.md 8, data/cadres.yaml).

What a depositor gives beside the document is a :class:`Given`. :func:`check_given` needs nothing else and answers at
the door; :func:`check_parties` is asked once the invoice is read; :mod:`invoice.cadre_files` looks at earlier pieces.
"""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Literal
from uuid import UUID

import msgspec

from invoice import hints, packaged
from invoice.findings import Finding
from invoice.identifiers import InvalidIdentifier, parse_siret
from invoice.labels import FIELD_LABELS
from invoice.messages import finding
from invoice.model import InvoiceHeader, Party

MAX_SERVICE_CODE = 100
By = Literal["F", "MOE", "MOA"]
Need = Literal["required", "optional", "absent"]
#: The role that a token must carry to deposit a piece, by who deposits it.
ROLES: Mapping[By, str] = MappingProxyType({"F": "FOURNISSEUR", "MOE": "MOE", "MOA": "MOA"})
_WHO: Mapping[By, str] = MappingProxyType(
    {"F": "le fournisseur", "MOE": "le maître d'œuvre", "MOA": "le maître d'ouvrage"}
)
_STATE_CADRES = {"A3": "mémoire de frais de justice", "A21": "demande de remboursement de taxe sur les carburants"}
_FORBIDDEN = "S5"


class Cadre(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of ``data/cadres.yaml``, whose comment explains each column. ``code`` is the key of the row."""

    api: str
    label: str
    by: By
    reader: Literal["V1", "D", "MOE", "MOA", "F"]
    source: str
    evidence: str
    code: str = ""
    validators: tuple[int, int] = (0, 0)
    moe: Need = "absent"
    moa: Need = "absent"
    after: tuple[str, ...] = ()
    bt23: tuple[str, ...] = ()
    unnumbered: bool = False

    @property
    def name(self) -> str:
        """The label inside a sentence."""
        return self.label[:1].lower() + self.label[1:]

    @property
    def works(self) -> bool:
        """A piece of a works contract, which has a billing file."""
        return self.moe != "absent"

    @property
    def routed_at_once(self) -> bool:
        """Whether the recipient is the first to act on it, so that it is routed as soon as it is submitted."""
        return self.reader == "D"


def _load() -> Mapping[str, Cadre]:
    rows = msgspec.convert(packaged.load("cadres.yaml"), dict[str, Cadre])
    return MappingProxyType({code: msgspec.structs.replace(row, code=code) for code, row in rows.items()})


CADRES = _load()
_BY_NAME: Mapping[str, Cadre] = MappingProxyType(
    {name: cadre for cadre in CADRES.values() for name in (*cadre.bt23, cadre.api, cadre.code)}
)


class Given(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a depositor gives beside the document, as typed: SIRETs may hold spaces until :func:`settled`.

    ``validators`` are in their order. ``works_file`` and ``previous_piece`` are ids of pieces deposited before.
    ``call_off``: an order under a *marché à bons de commande*; ``as_draft``: to be read over before it is sent.
    """

    cadre: str | None = None
    validators: tuple[Party, ...] = ()
    moe: Party | None = None
    moa: Party | None = None
    works_file: str | None = None
    previous_piece: str | None = None
    call_off: bool = False
    as_draft: bool = False


NOTHING_GIVEN = Given()


class Depositor(msgspec.Struct, frozen=True, kw_only=True):
    """Who deposits: the SIRETs he may act for, and the roles he does so in.

    A role stands for all of the SIRETs; as ``role/SIRET`` it is held at that one and at no other.
    """

    structures: tuple[str, ...]
    roles: tuple[str, ...] = ("FOURNISSEUR",)

    def at(self, role: str) -> tuple[str, ...]:
        """The SIRETs at which he holds the role."""
        held = frozenset(self.roles)
        if role in held or not any("/" in each for each in held):
            return self.structures
        return tuple(siret for siret in self.structures if f"{role}/{siret}" in held)


def find(code: str) -> Cadre | None:
    """The cadre that a short code, a code of the API or one of the reform (BT-23) stands for; None where none does."""
    return _BY_NAME.get(code.strip().upper())


def of(header: InvoiceHeader) -> Cadre:
    """The cadre of an invoice; A1's rules where its code is none of ours, which no deposit accepts."""
    return CADRES.get(header.cadre_code, CADRES["A1"])


def check_cadre(code: str) -> tuple[Finding, ...]:
    """Whether a cadre is served here; ``code`` in any spelling of :func:`find`.

    A3 and A21 are refused in their own words (decisions.md 24), S5 by the norm (chorus-pro.md 8.3).
    """
    if find(code) is not None:
        return ()
    short = code.strip().partition("_")[0].upper()
    if short == _FORBIDDEN:
        return (finding("CADRE_FORBIDDEN", value=short),)
    if short in _STATE_CADRES:
        return (finding("CADRE_NOT_SERVED", value=short, label=_STATE_CADRES[short]),)
    return (finding("CADRE_UNKNOWN", value=code),)


def settled(given: Given) -> Given:
    """The same with SIRETs in 14 digits and the cadre in short. Only for what :func:`check_given` found nothing in."""
    cadre = None if given.cadre is None else find(given.cadre)
    return msgspec.structs.replace(
        given,
        cadre=None if cadre is None else cadre.code,
        validators=tuple(_settled(party) for party in given.validators),
        moe=None if given.moe is None else _settled(given.moe),
        moa=None if given.moa is None else _settled(given.moa),
    )


def _settled(party: Party) -> Party:
    return msgspec.structs.replace(party, siret=parse_siret(party.siret))


def named(given: Given) -> Iterator[tuple[str, Party]]:
    """Everybody named, by the name of the form's fields: ``validator_1``, ``validator_2``, ``moe``, ``moa``."""
    yield from ((f"validator_{number}", party) for number, party in enumerate(given.validators, 1))
    if given.moe is not None:
        yield "moe", given.moe
    if given.moa is not None:
        yield "moa", given.moa


def check_given(given: Given) -> tuple[Finding, ...]:
    """What is wrong in itself: spelling, and, where the cadre is given too, who is missing or too many."""
    cadre = None if given.cadre is None else find(given.cadre)
    return (
        *(() if given.cadre is None else check_cadre(given.cadre)),
        *_spelling(given),
        *(() if cadre is None else check_named(cadre, given)),
    )


def _spelling(given: Given) -> Iterator[Finding]:
    sirets: dict[str, str] = {}
    for name, party in named(given):
        field, label = f"{name}_siret", FIELD_LABELS[name]
        try:
            siret = parse_siret(party.siret)
        except InvalidIdentifier as error:
            yield finding("PARTY_SIRET_INVALID", value=party.siret, field=field, label=label, why=hints.why(error))
        else:
            if name.startswith("validator") and siret in sirets:
                yield finding("VALIDATOR_TWICE", value=siret, field=field)
            sirets[siret] = name
        if party.service is not None and (len(party.service) > MAX_SERVICE_CODE or not party.service.isprintable()):
            shown = party.service[:MAX_SERVICE_CODE]
            yield finding("PARTY_SERVICE_INVALID", value=shown, field=f"{name}_service", label=label)
    for field, code in (("works_file", "WORKS_FILE_INVALID"), ("previous_piece", "PREVIOUS_INVALID")):
        value: str | None = getattr(given, field)
        if value is not None and not is_id(value):
            yield finding(code, value=value[:100])


def is_id(text: str) -> bool:
    """Whether this is the id of a deposit, in its one spelling."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def check_named(cadre: Cadre, given: Given) -> tuple[Finding, ...]:
    """Who must be named under a cadre, who may, and who may not."""
    return (*_validators(cadre, given), *_works(cadre, given))


def _validators(cadre: Cadre, given: Given) -> Iterator[Finding]:
    least, most = cadre.validators
    count = len(given.validators)
    words = {"cadre": cadre.code, "label": cadre.name}
    if count < least:
        yield finding("VALIDATOR_MISSING", **words)
    elif most == 0 and count:
        yield finding("VALIDATOR_NOT_EXPECTED", value=given.validators[0].siret, **words)
    elif count > most:
        yield finding("VALIDATOR_TOO_MANY", value=given.validators[most].siret, **words)


def _works(cadre: Cadre, given: Given) -> Iterator[Finding]:
    words = {"cadre": cadre.code, "label": cadre.name}
    if not cadre.works:
        typed = {"moe_siret": given.moe, "moa_siret": given.moa, "works_file": given.works_file}
        for field, value in {**typed, "previous_piece": given.previous_piece}.items():
            if value is not None:
                shown = value.siret if isinstance(value, Party) else value
                yield finding("WORKS_NOT_EXPECTED", value=shown, field=field, field_label=FIELD_LABELS[field], **words)
        return
    if given.call_off:  # the works space is for all works invoices but these (chorus-pro.md 3)
        yield finding("WORKS_CALL_OFF", value=cadre.code, label=cadre.name)
    if cadre.moe == "required" and given.moe is None:
        yield finding("MOE_MISSING", **words)
    if cadre.moa == "required" and given.moa is None:
        yield finding("MOA_MISSING", **words)
    if cadre.after and given.previous_piece is None:
        yield finding("PREVIOUS_MISSING", after=_listed(cadre.after), **words)
    if not cadre.after and given.previous_piece is not None:
        yield finding("PREVIOUS_NOT_EXPECTED", value=given.previous_piece, **words)


def check_parties(header: InvoiceHeader, given: Given, depositor: Depositor) -> tuple[Finding, ...]:
    """What the invoice itself says against those named, and whether this depositor may deposit this piece.

    ``given`` is settled. Of a piece of the supplier's, that the supplier is the depositor's is for
    :func:`invoice.checks.check_header`.
    """
    cadre = of(header)
    return (
        *check_named(cadre, given),
        *_depositor(cadre, given, depositor),
        *_against(header, given),
    )


def check_role(cadre: Cadre, roles: Collection[str]) -> tuple[Finding, ...]:
    """A piece is deposited by him whose piece it is."""
    if ROLES[cadre.by] in {role.partition("/")[0] for role in roles}:
        return ()
    return (finding("CADRE_ROLE", value=cadre.code, label=cadre.name, who=_WHO[cadre.by], role=ROLES[cadre.by]),)


def check_depositor(cadre: Cadre, given: Given, depositor: Depositor) -> tuple[Finding, ...]:
    """Whether this depositor may deposit this piece, as far as that shows before the document is read."""
    return tuple(_depositor(cadre, given, depositor))


def _depositor(cadre: Cadre, given: Given, depositor: Depositor) -> Iterator[Finding]:
    yield from check_role(cadre, depositor.roles)
    if cadre.by == "MOE" and given.moe is not None and given.moe.siret not in depositor.at("MOE"):
        yield finding("DEPOSITOR_NOT_MOE", value=given.moe.siret, cadre=cadre.code)
    if cadre.by == "MOA" and given.moa is not None and given.moa.siret not in depositor.at("MOA"):
        yield finding("DEPOSITOR_NOT_MOA", value=given.moa.siret, cadre=cadre.code)


def _against(header: InvoiceHeader, given: Given) -> Iterator[Finding]:
    for number, party in enumerate(given.validators, 1):
        field = f"validator_{number}_siret"
        if party.siret == header.supplier_siret:
            yield finding("VALIDATOR_IS_SUPPLIER", value=party.siret, field=field)
        if party.siret == header.recipient_siret:
            yield finding("VALIDATOR_IS_RECIPIENT", value=party.siret, field=field)
    if given.moe is not None and given.moe.siret == header.supplier_siret:
        yield finding("MOE_IS_SUPPLIER", value=given.moe.siret)


def issuer(header: InvoiceHeader, given: Given) -> str:
    """The SIRET whose numbering the piece belongs to: his who deposits it.

    A MOE's piece takes a number of the MOE's, so that nobody uses up the numbers of a company that he only names.
    """
    by = of(header).by
    party = given.moe if by == "MOE" else given.moa if by == "MOA" else None
    return header.supplier_siret if party is None else party.siret


def _listed(codes: Collection[str]) -> str:
    return ", ".join(f"{code} ({CADRES[code].name})" for code in codes)
