"""What stands in a draft's form, and what a form that was sent changes: pure, between the API's draft and the page.

A value is shown as people write it (``02/03/2026``, ``1 234,50``). What was not touched is not sent back, so that it
keeps where it is from.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from invoice.keywords import words
from invoice.money import parse_amount
from invoice.typed import parse_day
from services.portal.pages.format import show_number
from services.portal.pages.forms import Form

DATES: Final = ("issue_date", "due_date", "delivery_date")
AMOUNTS: Final = ("total_excl_tax", "tax", "total_incl_tax", "prepaid", "payable")
PARTIES: Final = ("validator_1", "validator_2", "moe", "moa")
#: The parts of the form and the fields in each, in the order of the page.
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "recipient": ("recipient_siret", "service_code", "engagement", "contract"),
    "cadre": (
        *(f"{party}_{what}" for party in PARTIES for what in ("siret", "service")),
        "works_file",
        "previous_piece",
    ),
    "invoice": ("type_code", "invoice_number", "issue_date", "delivery_date", "due_date", "preceding_invoice"),
    "amounts": ("total_excl_tax", "tax", "total_incl_tax", "prepaid", "payable", "currency"),
    "supplier": ("supplier_siret", "supplier_name", "supplier_address"),
    "payment": ("vat_regime", "exemption_reason", "payment_mode", "supplier_iban"),
    "more": ("recipient_name", "recipient_address", "note"),
}
FIELDS: Final = tuple(name for names in PARTS.values() for name in names)
LINE: Final = ("label", "quantity", "unit", "unit_price", "discount", "vat_rate")
#: What says only that something is still to be written: told as such until somebody asks for the checks.
TO_DO: Final = frozenset(("FORM_MISSING", "FORM_LINES_MISSING"))
MOST_LINES: Final = 1_000
_CANONICAL: Final = re.compile(r"-?\d+(?:\.\d{1,2})?")
_KEYWORDS: Final = 4
#: Between groups of three digits, where :func:`shown` writes it; one more digit typed there makes a group of four.
_GROUPS: Final = "\u202f"
#: Longer than any amount or day: what is read takes no time.
_LONGEST_READ: Final = 100


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One check beside its field. ``to_do``: something is only missing yet."""

    code: str
    level: str
    message: str
    action: str = ""
    to_do: bool = False
    suggestions: tuple[dict[str, Any], ...] = ()


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """Where words stand on a page, from its top left, in its own points."""

    page: int
    x: float
    y: float
    width: float
    height: float


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the form. ``value`` as it is shown, ``source`` where it is from, ``mark``: its words on the page.

    ``proposals``: read without certainty, to be taken or not; ``keywords``: what would have announced it on the page.
    """

    name: str
    label: str
    value: str
    source: str | None = None
    raw: str = ""
    keyword: str = ""
    mark: Box | None = None
    proposals: tuple[dict[str, Any], ...] = ()
    said: tuple[Said, ...] = ()
    keywords: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Something forbids the sending, and is more than missing yet."""
        return any(each.level == "refuse" and not each.to_do for each in self.said)


def shown(name: str, value: str | None) -> str:
    """A value as the form shows it; what is no date and no amount stays as it was written."""
    if not value:
        return ""
    if name in DATES:
        try:
            return parse_day(value).strftime("%d/%m/%Y")
        except ValueError:
            return value
    if name in AMOUNTS and _CANONICAL.fullmatch(value):
        whole, point, cents = value.partition(".")
        return f"{show_number(whole)}{point and ','}{cents}"
    return value


def said(found: Mapping[str, Any], *, asked: bool) -> Said:
    """A check of the API. ``asked``: the checks were asked for, so that what is missing is an error too."""
    return Said(
        code=found["code"],
        level=found["level"],
        message=found["message"],
        action=found.get("action") or "",
        to_do=found["code"] in TO_DO and not asked,
        suggestions=tuple(found.get("suggestions") or ()),
    )


def box(evidence: Mapping[str, Any] | None, sizes: Sequence[Sequence[float]]) -> Box | None:
    """Where a value was read, for a picture of the page; None where no page shows it. Boxes count from the bottom."""
    if evidence is None or not 1 <= evidence["page"] <= len(sizes):
        return None
    x0, y0, x1, y1 = evidence["box"]
    height = sizes[evidence["page"] - 1][1]
    if x1 <= x0 or y1 <= y0:
        return None
    return Box(page=evidence["page"], x=round(x0, 2), y=round(height - y1, 2), width=x1 - x0, height=y1 - y0)


def entries(draft: Mapping[str, Any], form: Form | None, labels: Mapping[str, str], *, asked: bool) -> dict[str, Entry]:
    """Every field by its name. ``form``: what was sent and could not be saved stands in place of what is saved."""
    sizes = (draft.get("pages") or {}).get("sizes") or ()
    checks: dict[str, list[Said]] = {}
    for found in draft["checks"]:
        checks.setdefault(found.get("field") or "", []).append(said(found, asked=asked))
    found_entries: dict[str, Entry] = {}
    for field in draft["fields"]:
        name, evidence = field["name"], field.get("evidence")
        value = shown(name, field["value"])
        if form is not None and form.has(name):
            value = form.text(name)
        found_entries[name] = Entry(
            name=name,
            label=labels.get(name, field["label"]),
            value=value,
            source=field["source"] if field["value"] else None,
            raw=(evidence or {}).get("raw", ""),
            keyword=(evidence or {}).get("keyword", ""),
            mark=box(evidence, sizes),
            proposals=tuple(
                {"value": each["value"], "shown": shown(name, each["value"]), "mark": box(each, sizes)}
                for each in field["proposals"]
            ),
            said=tuple(checks.get(name, ())),
            keywords=words(name)[:_KEYWORDS],
        )
    return found_entries


def elsewhere(draft: Mapping[str, Any], *, asked: bool) -> list[Said]:
    """Checks about no field of the form, such as those of all amounts together."""
    return [
        said(found, asked=asked)
        for found in draft["checks"]
        if found.get("field") not in FIELDS and not (found.get("field") or "").startswith("lines.")
    ]


def of_lines(draft: Mapping[str, Any], *, asked: bool) -> dict[str, list[Said]]:
    """Checks of the lines by the name of their field: ``lines-1-label``."""
    found: dict[str, list[Said]] = {}
    for each in draft["checks"]:
        field = each.get("field") or ""
        if field.startswith("lines."):
            found.setdefault(field.replace(".", "-"), []).append(said(each, asked=asked))
    return found


def blocking(draft: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What forbids the sending, in the order of the page; what is about no field of it comes first, as there."""
    return sorted((found for found in draft["checks"] if found["level"] == "refuse"), key=_place)


def _place(found: Mapping[str, Any]) -> float:
    field = found.get("field") or ""
    if field.startswith("lines."):
        return FIELDS.index(PARTS["amounts"][0]) - 0.5
    return FIELDS.index(field) if field in FIELDS else FIELDS.index("type_code") - 0.5 if field == "cadre" else -1


def changes(draft: Mapping[str, Any], form: Form) -> dict[str, str | None]:
    """The fields that a form changes. What it does not name, or says as it stands, stays; an amount and a day in any
    writing, and lines of a text as a script or a browser ends them."""
    changed: dict[str, str | None] = {}
    for field in draft["fields"]:
        name = field["name"]
        if name not in FIELDS or not form.has(name):
            continue
        written = _lines_of(form.text(name))
        if written == _lines_of(shown(name, field["value"])):
            continue
        if name in AMOUNTS:
            written = written.replace(_GROUPS, "")
        if _same(name, written, field["value"] or ""):
            continue
        changed[name] = written or None
    return changed


def _lines_of(text: str) -> str:
    """A text as forms send it, its lines ended in one way: a browser ends them with two characters, a script with
    one."""
    return text.replace("\r\n", "\n").strip()


def _same(name: str, written: str, saved: str) -> bool:
    """Whether two writings are of one amount or one day; of nothing else."""
    if name not in (*DATES, *AMOUNTS) or max(len(written), len(saved)) > _LONGEST_READ:
        return False
    read = parse_day if name in DATES else parse_amount
    try:
        return read(written) == read(saved)
    except ValueError:
        return False


def lines(form: Form) -> list[dict[str, str]] | None:
    """The lines of a form without the empty ones; None for a form that has no lines."""
    if not form.has("lines"):
        return None
    numbers = sorted(
        {int(match[1]) for name in form.names() if (match := re.fullmatch(r"lines-([1-9]\d{0,3})-label", name))}
    )
    dropped = form.text("act").removeprefix("drop|") if form.text("act").startswith("drop|") else ""
    found = []
    for number in numbers[:MOST_LINES]:
        line = {name: form.text(f"lines-{number}-{name}") for name in LINE}
        if str(number) != dropped and (line["label"] or line["unit_price"]):
            found.append({**line, "quantity": line["quantity"] or "1"})
    return found


def differing(draft: Mapping[str, Any], form: Form, labels: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Where what was written here and what another window has saved differ: label, here, there."""
    values = {field["name"]: field["value"] for field in draft["fields"]}
    return [
        (labels.get(name, name), written or "–", shown(name, values.get(name)) or "–")
        for name, written in changes(draft, form).items()
    ]


def used(act: str) -> dict[str, str] | None:
    """The value that a button ``use|field|value`` writes into its field; None for any other button."""
    word, _, rest = act.partition("|")
    name, _, value = rest.partition("|")
    return {name: value} if word == "use" and name in FIELDS and value else None
