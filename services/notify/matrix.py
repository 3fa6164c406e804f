"""The matrix of messages as data: who is told of what, how soon, and what cannot be switched off. Pure."""

from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, Literal

import msgspec

from invoice import packaged

#: Who a message speaks to. ``administrator``: of the tenant, when every address of the body has failed.
Audience = Literal["supplier", "validator", "moe", "moa", "body", "administrator", "person"]
#: On which side of an invoice an audience stands: what the events say (contracts.events.NotificationAccepted).
Side = Literal["supplier", "body"]
Cadence = Literal["at_once", "daily", "weekly", "off"]
About = Literal["invoice", "deposit", "nothing"]
#: A preference for every kind that may be chosen.
EVERY_KIND: Final = "*"
#: Kinds that a person asked for in the same minute: there is nothing to prefer about them.
_ANSWERS: Final = frozenset({"CONTACT_CONFIRM", "ACCOUNT_ACTIVATION"})


#: What brings the letters that portal asks for.
ACCOUNTS: Final = "accounts"


class Rule(msgspec.Struct, frozen=True):
    """A kind of message to an audience. A ``legal`` notice cannot be switched off (decisions.md 13)."""

    kind: str
    audience: Audience
    cadence: Cadence = "at_once"
    legal: bool = False
    about: About = "invoice"
    needs: str = "status"

    @property
    def name(self) -> str:
        """What its words are called."""
        return f"{self.kind}/{self.audience}"

    @property
    def account(self) -> bool:
        """Whether it is a letter that portal asks for."""
        return self.needs == ACCOUNTS and self.audience == "person"

    @property
    def optional(self) -> bool:
        """Whether its reader may choose another cadence, or none: not what he asked for, nor his account's safety."""
        return not self.legal and self.kind not in _ANSWERS and not self.account


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    about: About
    needs: str
    to: dict[Audience, Cadence]
    legal: tuple[Audience, ...] = ()
    takes_over: Audience | None = None


def _load() -> tuple[dict[str, tuple[Rule, ...]], dict[str, Rule]]:
    text = resources.files("services.notify").joinpath("matrix.yaml").read_text("utf-8")
    raw: dict[str, Any] = packaged.parse(text)
    rules: dict[str, tuple[Rule, ...]] = {}
    successors: dict[str, Rule] = {}
    for kind, row in msgspec.convert(raw, dict[str, _Row]).items():
        if not set(row.legal) <= set(row.to):
            raise ValueError(f"matrix.yaml, {kind}: a legal notice to an audience that is not told")
        rules[kind] = tuple(
            Rule(kind, audience, cadence, audience in row.legal, row.about, row.needs)
            for audience, cadence in row.to.items()
        )
        if row.takes_over is not None:
            successors[kind] = Rule(kind, row.takes_over, "at_once", True, row.about, row.needs)
    return rules, successors


RULES, TAKES_OVER = _load()
#: Every cell.
MATRIX: Final[tuple[Rule, ...]] = tuple(rule for rules in RULES.values() for rule in rules)
#: Every cell that has words: those of the matrix, and the notice that takes over.
WORDED: Final[tuple[Rule, ...]] = (*MATRIX, *TAKES_OVER.values())
_BY_NAME: Final = {rule.name: rule for rule in WORDED}


def rules_of(kind: str) -> tuple[Rule, ...]:
    """Who is told of this kind; nobody of a kind that the matrix does not have."""
    return RULES.get(kind, ())


def rule_of(kind: str, audience: Audience) -> Rule:
    """The rule by which a message was written. Raises ``KeyError`` when there is none."""
    return _BY_NAME[f"{kind}/{audience}"]


def side_of(audience: Audience) -> Side:
    """The side of the invoice that an audience stands on."""
    return "body" if audience in ("body", "administrator", "moa") else "supplier"


def cadence(rule: Rule, chosen: Mapping[str, Cadence]) -> Cadence:
    """How soon a person is told: as chosen for the kind, else for every kind, else as the matrix says.

    A choice for every kind can only slow down or stop what the matrix sends, never hurry it.
    """
    if not rule.optional:
        return "at_once"
    if rule.kind in chosen:
        return chosen[rule.kind]
    general = chosen.get(EVERY_KIND)
    return rule.cadence if general is None else max(general, rule.cadence, key=lambda one: _SLOWNESS[one])


_SLOWNESS: Final[dict[Cadence, int]] = {"at_once": 0, "daily": 1, "weekly": 2, "off": 3}
