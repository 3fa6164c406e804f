"""Templates: every value is escaped, and a name that is not given is an error and not an empty place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2
import segno
from jinja2.runtime import Context
from markupsafe import Markup

from services.portal.pages import format as forms_of
from services.portal.pages import help_codes, help_names
from services.portal.pages.words import spaced

FOLDER: Final = Path(__file__).parent / "templates"


def environment() -> jinja2.Environment:
    """What templates are made with."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "date": forms_of.show_date,
        "instant": _instant,
        "amount": _amount,
        "number": _number,
        "siret": forms_of.show_siret,
        "status_name": _status_name,
        "status_text": _status_text,
        "turn_name": _turn_name,
        "spaced": spaced,
        "day": lambda value: forms_of.as_date(value).isoformat(),
    }
    made.globals["qr"] = qr
    made.globals["explained"] = help_codes.where
    return made


@jinja2.pass_context
def _status_name(context: Context, value: Mapping[str, Any]) -> str:
    return help_names.label(value["code"], context["language"], value["label"])


@jinja2.pass_context
def _status_text(context: Context, value: Mapping[str, Any]) -> str:
    return help_names.explained(value["code"], context["language"], value["explanation"])


@jinja2.pass_context
def _turn_name(context: Context, value: Mapping[str, Any]) -> str:
    return help_names.turn(value["actor"], context["language"], value["label"])


@jinja2.pass_context
def _instant(context: Context, value: Any) -> str:
    return forms_of.show_instant(value, context["language"])


@jinja2.pass_context
def _amount(context: Context, value: Any, currency: str = "EUR") -> str:
    return forms_of.show_amount(value, context["language"], currency)


@jinja2.pass_context
def _number(context: Context, value: Any, places: int | None = None) -> str:
    return forms_of.show_number(value, context["language"], places)


def qr(text: str, label: str) -> Markup:
    """A QR code as markup, dark on white in either theme. ``label``: what it is, for who does not see it."""
    drawn = segno.make(text, error="m").svg_inline(
        border=2, omitsize=True, light="#fff", dark="#000", svgclass="qr", title=label
    )
    return Markup(drawn).replace(Markup("<svg "), Markup('<svg role="img" '), 1)


def show(made: jinja2.Environment, template: str, values: Mapping[str, Any]) -> str:
    """The page's markup."""
    return made.get_template(template).render(values)
