"""A message in words: text and HTML from the same facts. Pure; rendered when it is sent."""

import re
from importlib import resources
from typing import Any, Final
from uuid import UUID

import msgspec
import yaml
from jinja2 import DictLoader, Environment, StrictUndefined, Template

from invoice.identifiers import show_siret
from invoice.money import show_amount, show_date
from services.notify.domain import Audience, Facts, paris_day

_TEMPLATES = resources.files("services.notify").joinpath("templates")
_LOADER = DictLoader({name: _TEMPLATES.joinpath(name).read_text("utf-8") for name in ("letter.txt", "letter.html")})
_TEXT = Environment(loader=_LOADER, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
_HTML = Environment(loader=_LOADER, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=True)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_MAX_VALUE = 500


class Letter(msgspec.Struct, frozen=True):
    """What the reader gets. The subject is one line."""

    subject: str
    text: str
    html: str


class _Words(msgspec.Struct, frozen=True):
    subject: Template
    title: Template
    happened: Template
    act: Template
    link: str
    place: str


def _load() -> dict[str, _Words]:
    rows: dict[str, dict[str, str]] = yaml.safe_load(_TEMPLATES.joinpath("letters.yaml").read_text("utf-8"))
    templated = ("subject", "title", "happened", "act")
    return {
        name: _Words(**{k: _TEXT.from_string(v) if k in templated else v for k, v in row.items()})  # type: ignore[arg-type]
        for name, row in rows.items()
    }


LETTERS: Final = _load()
_text, _html = _TEXT.get_template("letter.txt"), _HTML.get_template("letter.html")


def render(kind: str, audience: Audience, facts: Facts, subject: str | UUID, public_url: str | None) -> Letter:
    """The letter of one message. ``subject`` is the invoice's or the deposit's id, for the link and as a reference.

    Without ``public_url`` there is no link: a mail never points to a page that is not served.

    Raises ``KeyError`` for a kind and audience that have no words.
    """
    words = LETTERS[f"{kind}/{audience}"]
    values = _values(facts)
    table = _table(facts, values)
    whole: dict[str, Any] = {
        "title": words.title.render(values),
        "happened": words.happened.render(values),
        "act": words.act.render(values),
        "link": words.link,
        "url": None if public_url is None else f"{public_url}/{words.place}/{subject}",
        "reference": str(subject),
        "facts": table,
        "width": max((len(name) for name, _ in table), default=0),
        "reasons": [
            {
                "message": one_line(reason.message),
                "action": one_line(reason.action or ""),
                "suggestions": [one_line(found.sentence) for found in reason.suggestions],
            }
            for reason in facts.reasons
        ],
    }
    return Letter(
        subject=one_line(words.subject.render(values))[:200], text=_text.render(whole), html=_html.render(whole)
    )


def _values(facts: Facts) -> dict[str, str]:
    """Every value in French, on one line. Names that a kind does not have are empty, never missing."""
    recipient = facts.recipient_name or (show_siret(facts.recipient_siret) if facts.recipient_siret else "")
    values = {
        "number": facts.number or "",
        "file": facts.file_name or "",
        "day": show_date(paris_day(facts.at)),
        "amount": "" if facts.payable is None else show_amount(facts.payable, facts.currency),
        "supplier": show_siret(facts.supplier_siret) if facts.supplier_siret else "",
        "recipient": recipient,
    }
    return {name: one_line(value) for name, value in values.items()}


def _table(facts: Facts, values: dict[str, str]) -> list[tuple[str, str]]:
    siret = f" (SIRET {show_siret(facts.recipient_siret)})" if facts.recipient_siret and facts.recipient_name else ""
    service = " – ".join(part for part in (facts.service_code, facts.service_label) if part)
    rows = (
        ("Facture", values["number"]),
        ("Date", show_date(facts.issue_date) if facts.issue_date else ""),
        ("Net à payer", values["amount"]),
        ("Fournisseur", f"SIRET {values['supplier']}" if values["supplier"] else ""),
        ("Destinataire", values["recipient"] + siret),
        ("Service", one_line(service)),
        ("Document", values["file"]),
    )
    return [(name, value) for name, value in rows if value]


def one_line(text: str) -> str:
    """A value without line breaks or control characters: it can neither forge a header nor break the layout."""
    line = _CONTROLS.sub(" ", text).strip()
    return line if len(line) <= _MAX_VALUE else line[: _MAX_VALUE - 1] + "…"
