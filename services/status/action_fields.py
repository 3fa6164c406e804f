"""What the fields of actions must be, and how what somebody says becomes a reason that the other side reads. Pure."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from invoice.findings import Finding
from invoice.identifiers import InvalidIdentifier, parse_siret
from services.status.action import Case, Fault, Field
from services.status.model import FieldChange
from services.status.motifs import offered

_AMOUNT: Final = re.compile(r"\d{1,12}([.,]\d{1,2})?")
_FIRST_DAY: Final = date(2000, 1, 1)
_LONGEST_NUMBER: Final = 100


def said(case: Case, code: str, label: str, to_do: str) -> Finding:
    """The motif as a reason, which travels with the status so that the other side's mail says it.

    The comment is quoted where it is told, never here: a reason is a fact of the history, which nobody can erase.
    """
    named = offered(case.invoice, case.target).get(case.motif or "", label)
    return Finding(code=case.motif or code, level="refuse", message=f"{named}.", action=to_do)


def written(case: Case, **values: str | None) -> tuple[FieldChange, ...]:
    """Values that came with an action, as its entry keeps them."""
    return tuple(FieldChange(name, None, value) for name, value in values.items() if value is not None)


def siret(name: str) -> Callable[[str | None], str | Fault]:
    """A check that takes a SIRET."""

    def check(given: str | None) -> str | Fault:
        try:
            return parse_siret(given or "")
        except InvalidIdentifier as error:
            return Fault(
                field=name,
                value=given and given[:40],
                rule=error.code,
                message=f"« {(given or '')[:40]} » n'est pas un SIRET : 14 chiffres, dont une clé de contrôle.",
                action="Recopiez le SIRET d'après le bon de commande ou la recherche dans l'annuaire.",
            )

    return check


def reference(name: str, longest: int, given: str | None) -> str | Fault | None:
    """A code or a number on one line, or nothing."""
    if given is None or (len(given) <= longest and given.isprintable()):
        return given
    return Fault(
        field=name,
        value=given[:40],
        rule="TEXT_INVALID",
        message=f"La valeur dépasse {longest} caractères ou contient un caractère invisible.",
        action="Recopiez-la d'après le bon de commande, sur une ligne.",
    )


def text(name: str, label: str, *, required: bool = True) -> Field:
    """A field that takes a line of text."""

    def check(given: str | None) -> str | Fault | None:
        if given is None and required:
            return _empty(name, label)
        return reference(name, _LONGEST_NUMBER, given)

    return Field(name=name, label=label, check=check, required=required)


def optional(name: str, label: str, longest: int) -> Field:
    """A field that takes a code or nothing."""
    return Field(name=name, label=label, check=lambda given: reference(name, longest, given))


def day(name: str, label: str) -> Field:
    """A field that takes a legal day. That it is not to come is for the action to say, which knows today."""

    def check(given: str | None) -> str | Fault:
        try:
            found = date.fromisoformat(given or "")
        except ValueError:
            found = None
        if found is not None and found >= _FIRST_DAY and len(given or "") == len("2026-03-02"):
            return found.isoformat()
        return Fault(
            field=name,
            value=given and given[:40],
            rule="DATE_INVALID",
            message=f"« {label} » : « {(given or '')[:40]} » n'est pas une date.",
            action="Écrivez l'année, le mois et le jour, par exemple 2026-03-02.",
        )

    return Field(name=name, label=label, check=check, required=True)


def amount(name: str, label: str, *, required: bool) -> Field:
    """A field that takes an amount above nothing, in the invoice's currency."""

    def check(given: str | None) -> str | Fault | None:
        if given is None and not required:
            return None
        plain = (given or "").replace("\u202f", "").replace("\xa0", "").replace(" ", "")
        try:
            found = Decimal(plain.replace(",", ".")) if _AMOUNT.fullmatch(plain) else Decimal(0)
        except InvalidOperation:
            found = Decimal(0)
        if found > 0:
            return f"{found:.2f}"
        return Fault(
            field=name,
            value=given and given[:40],
            rule="AMOUNT_INVALID",
            message=f"« {label} » : « {(given or '')[:40]} » n'est pas un montant.",
            action="Écrivez un montant positif avec deux décimales au plus, par exemple 1234.50.",
        )

    return Field(name=name, label=label, check=check, required=required)


def _empty(name: str, label: str) -> Fault:
    return Fault(
        field=name,
        value=None,
        rule="MISSING",
        message=f"Le champ « {label} » est vide.",
        action="Remplissez-le, puis recommencez.",
    )


def not_to_come(case: Case, name: str, today: date) -> tuple[Fault, ...]:
    """A fault when the day given lies after today."""
    given = case.fields[name]
    if given is None or date.fromisoformat(given) <= today:
        return ()
    return (
        Fault(
            field=name,
            value=given,
            rule="DATE_TO_COME",
            message=f"Le {given} n'est pas encore venu : on ne constate que ce qui a eu lieu.",
            action="Corrigez la date, ou attendez ce jour.",
        ),
    )
