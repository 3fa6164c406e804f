"""Which circuit an invoice follows: by its cadre, its validators and the tenant's policy (chorus-pro.md 8, 10)."""

from functools import cache
from typing import Final, Literal

import msgspec

from invoice import cadres, directory
from invoice.cadres import Cadre
from invoice.findings import Finding
from invoice.lifecycle_table import AVAILABLE, Mode, Table, circuit_table
from invoice.messages import finding

#: Whose invoice it is, which decides where the payment delay starts (chorus-pro.md 13).
Kind = Literal["simple", "subcontractor", "cocontractor", "works_instalment", "works_balance"]

_SUBCONTRACTORS: Final = frozenset(("A9", "S3", "A10", "A11"))
_COCONTRACTORS: Final = frozenset(("A12", "S6", "A13", "A14"))
#: The general account and what stands for it: the balance of a contract, as against its instalments.
_BALANCE: Final = frozenset(("A8", "A23", "A24", "A25"))
_ASKED: Final = ("VALIDEE_1", "ABSENCE_VALIDATION_1_HORS_DELAI")


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant decides of the life of its invoices.

    ``lifecycle``: whether its users and software must keep the order of statuses (decisions.md 9).
    ``recycling_restarts_delay``: another structure after recycling starts the payment delay anew (decisions.md 2).
    ``refused_a9_goes_on``: a sub-contractor's A9 is treated as S3, so that a refusal hands it to the buyer
    (decisions.md 4). ``hidden_motifs`` are not offered (decisions.md 11). ``unchanged_days``: how long a status may
    last before people are reminded; None: as the table of timers says.
    """

    lifecycle: Mode = "strict"
    recycling_restarts_delay: bool = True
    refused_a9_goes_on: bool = False
    hidden_motifs: tuple[str, ...] = ()
    unchanged_days: int | None = None


DEFAULT: Final = Policy()


class Circuit(msgspec.Struct, frozen=True, kw_only=True):
    """The way of one invoice. ``table`` answers :func:`invoice.lifecycle.decide`; ``validators``: none, one or two.

    ``name`` is the policy of ``lifecycle.yaml``; ``cadre`` in short (``A9``).
    """

    name: str
    cadre: str
    validators: int
    mode: Mode
    kind: Kind
    table: Table


def policy_of(policies: directory.Policies) -> Policy:
    """The part of a tenant's policies that is about the life of invoices."""
    return Policy(
        lifecycle=policies.lifecycle,
        recycling_restarts_delay=policies.recycling_restarts_delay,
        refused_a9_goes_on=policies.refused_a9_goes_on,
        hidden_motifs=policies.hidden_motifs,
        unchanged_days=policies.unchanged_days,
    )


def choose(cadre: str, validators: int = 0, policy: Policy = DEFAULT) -> Circuit | tuple[Finding, ...]:
    """The circuit, or why there is none: A3 and A21 (decisions.md 24), S5, too few or too many validators.

    ``cadre`` in any spelling of :func:`invoice.cadres.find`: S3 and S6 differ from A9 and A12, so they must not be
    folded into them before.
    """
    found = cadres.find(cadre)
    if found is None:
        return cadres.check_cadre(cadre)
    wrong = _count(found, validators)
    return (
        (wrong,) if wrong is not None else _circuit(found.code, validators, policy.lifecycle, policy.refused_a9_goes_on)
    )


def entry(circuit: Circuit) -> str:
    """The status that a deposit enters."""
    return "A_VALIDER_1" if circuit.validators else "DEPOSEE"


def follow_up(circuit: Circuit, current: str) -> str | None:
    """The move that the platform makes by itself as soon as ``current`` is reached; None where it makes none.

    Where a recipient has to be found, *Déposée* waits for the routing's answer, which is no move of this kind.
    """
    if current in _ASKED and circuit.validators > 1:
        return "A_VALIDER_2"
    if current in (*_ASKED, "VALIDEE_2", "ABSENCE_VALIDATION_2_HORS_DELAI", "REFUSEE_1", "REFUSEE_2"):
        return "DEPOSEE" if circuit.table.move(current, "DEPOSEE") else None
    if current == "DEPOSEE" and circuit.table.move(current, AVAILABLE) is None:
        return circuit.table.allowed(current, "S")[0]
    return None


def is_routed(circuit: Circuit) -> bool:
    """Whether *Déposée* is followed by the search for a recipient: not where MOE, MOA or supplier reads the piece."""
    return circuit.table.move("DEPOSEE", AVAILABLE) is not None


def _count(cadre: Cadre, validators: int) -> Finding | None:
    least, most = cadre.validators
    words = {"cadre": cadre.code, "label": cadre.label[:1].lower() + cadre.label[1:]}
    if validators < least:
        return finding("VALIDATOR_MISSING", **words)
    if validators <= most:
        return None
    code = "VALIDATOR_TOO_MANY" if most else "VALIDATOR_NOT_EXPECTED"
    return finding(code, value=str(validators), **words)


@cache
def _circuit(code: str, validators: int, mode: Mode, a9_goes_on: bool) -> Circuit:
    cadre = cadres.CADRES[code]
    name = _name(cadre, a9_goes_on)
    table = circuit_table(name, validators, mode)
    return Circuit(name=name, cadre=code, validators=validators, mode=mode, kind=_kind(cadre), table=table)


def _name(cadre: Cadre, a9_goes_on: bool) -> str:
    if cadre.works:
        return f"reader_{cadre.reader}_validated" if cadre.validators[1] else f"reader_{cadre.reader}"
    if cadre.code == "S3" or (cadre.code == "A9" and a9_goes_on):
        return "validated_s3"
    return "validated" if cadre.validators[1] else "simple"


def _kind(cadre: Cadre) -> Kind:
    if cadre.code in _SUBCONTRACTORS:
        return "subcontractor"
    if cadre.code in _COCONTRACTORS:
        return "cocontractor"
    if cadre.works:
        return "works_balance" if cadre.code in _BALANCE else "works_instalment"
    return "simple"
