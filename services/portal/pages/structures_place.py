"""What the pages of one structure share: its address, the structure as the API shows it, and days in forms."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import quote

from services.portal.pages.format import PARIS, as_instant
from services.portal.pages.forms import Form
from services.portal.pages.page import Page
from services.portal.pages.problems import NOT_FOUND, Shown

API: Final = "/api/v1/accounts"
STRUCTURES: Final = f"{API}/structures"
#: Beyond the keys of identifiers, nothing of an address is so long.
LONGEST_KEY: Final = 400


def path_of(key: str, *parts: str) -> str:
    """The address of a structure's page, or of one below it."""
    return "/".join((f"/structures/{quote(key, safe='')}", *parts))


def api_of(key: str, *parts: str) -> str:
    """The structure in the API."""
    return "/".join((f"{STRUCTURES}/{quote(key, safe='')}", *parts))


async def place(page: Page, key: str, *may: str) -> dict[str, Any]:
    """The structure. Raises ``Shown``: it is not there for who may do none of ``may`` there (none given: for anybody
    whom the API does not show it)."""
    if len(key) > LONGEST_KEY:
        raise Shown(NOT_FOUND)
    found: dict[str, Any] = await page.call.need("portal", api_of(key))
    if found["public"]:  # a budget under the name of its body too: many are called "Budget principal"
        found["name"] = next((own.name for own in page.me.places if own.key == found["structure"]), found["name"])
    if may and not set(may) & set(found["may"]):
        raise Shown(NOT_FOUND)
    return found


def first_instant(text: str) -> str | None:
    """A day of a form as the instant at which it begins in Paris; None where there is none, or it cannot be read."""
    found = _day(text)
    return None if found is None else _midnight(found).isoformat()


def last_instant(text: str) -> str | None:
    """A day of a form as the instant at which it has ended in Paris."""
    found = _day(text)
    return None if found is None else _midnight(found + timedelta(days=1)).isoformat()


def first_day(instant: str | None) -> str:
    """The day at which something begins, as a field of a form takes it."""
    return "" if instant is None else as_instant(instant).date().isoformat()


def last_day(instant: str | None) -> str:
    """The last day on which something holds: what ends at midnight holds the day before."""
    return "" if instant is None else (as_instant(instant) - timedelta(microseconds=1)).date().isoformat()


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1990 <= found.year <= 2190 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS)


def postal(form: Form) -> dict[str, str]:
    """The address as the API takes it; what is empty is left out."""
    found = {name: form.text(name)[:200] for name in ("street", "complement", "postal_code", "town")}
    return {name: text for name, text in found.items() if text} | {"country": form.text("country", "FR").upper()[:2]}


#: Fields of the forms by fields of the API.
POSTAL: Final[Mapping[str, str]] = {
    f"address.{name}": name for name in ("street", "complement", "postal_code", "town", "country")
}
