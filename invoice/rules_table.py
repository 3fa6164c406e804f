"""The addressing rules as a table: what each looks at, the codes it answers with, and which level a body may choose.

``data/rules.yaml`` holds the rules in their order, ``data/findings.yaml`` the level, sentences and source of each code.
The findings of a decision are enough to tell, at any later time, what became of every rule: :func:`outcomes`.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import msgspec

from invoice import packaged
from invoice.directory import RuleOverride, Structure, Tenant
from invoice.findings import Finding, Level
from invoice.messages import CODES

State = Literal["passed", "warned", "refused", "not_looked_at"]
_UNCHANGED: Mapping[str, Level] = MappingProxyType({})


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: what it looks at, in French; the codes that say it holds, and those that say it does not.

    ``needs`` says, in French, what must be there before the rule is looked at; None: always.
    """

    label: str
    passes: tuple[str, ...]
    fails: tuple[str, ...]
    needs: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one rule in a decision; ``findings`` are its answers, none where it was not looked at."""

    rule: str
    label: str
    state: State
    findings: tuple[Finding, ...] = ()
    needs: str | None = None


RULES: Mapping[str, Rule] = MappingProxyType(msgspec.convert(packaged.load("rules.yaml"), dict[str, Rule]))
RULE_OF: Mapping[str, str] = MappingProxyType(
    {code: name for name, rule in RULES.items() for code in (*rule.passes, *rule.fails)}
)


def changeable(code: str) -> frozenset[Level]:
    """The levels that a body may set for a code: none where the rule is not its to change."""
    row = CODES.get(code)
    if row is None or row.may is None or code not in RULE_OF:
        return frozenset()
    return frozenset((row.level, row.may))


def levels(structure: Structure, tenant: Tenant | None = None) -> Mapping[str, Level]:
    """The levels in force that differ from the table, by code: the structure's own, else its tenant's.

    Only codes and levels of :func:`changeable` count: anything else in an entry has no effect.
    """
    own = structure.levels
    general = () if tenant is None else tenant.policies.levels
    return _levels(general, own) if own or general else _UNCHANGED


@lru_cache(maxsize=4096)
def _levels(general: tuple[RuleOverride, ...], own: tuple[RuleOverride, ...]) -> Mapping[str, Level]:
    chosen: dict[str, Level] = {o.code: o.level for o in (*general, *own) if o.level in changeable(o.code)}
    return MappingProxyType({code: level for code, level in chosen.items() if level != CODES[code].level})


def outcomes(findings: Iterable[Finding]) -> tuple[Outcome, ...]:
    """Every rule with its outcome, in the order of the table; findings of other checks are left out."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        name = RULE_OF.get(finding.code)
        if name is not None:
            by_rule.setdefault(name, []).append(finding)
    return tuple(_outcome(name, rule, tuple(by_rule.get(name, ()))) for name, rule in RULES.items())


def _outcome(name: str, rule: Rule, findings: tuple[Finding, ...]) -> Outcome:
    found = {finding.level for finding in findings}
    state: State = "passed" if findings else "not_looked_at"
    if "refuse" in found:
        state = "refused"
    elif "warn" in found:
        state = "warned"
    return Outcome(rule=name, label=rule.label, state=state, findings=findings, needs=None if findings else rule.needs)


def operator_sentence(finding: Finding) -> str:
    """The sentence for the body and for who runs the platform; the supplier's where there is no other."""
    row = CODES.get(finding.code)
    if row is None or row.operator is None:
        return finding.message
    value = finding.value or ""
    return row.operator.format_map({"value": value, "normalised": finding.normalised or value})
