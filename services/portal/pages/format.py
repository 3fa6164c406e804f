"""How dates, instants and amounts are written: ``22/11/2026``, ``22/11/2026 à 14:05``, ``1 234,56 €``.

Instants are shown in legal time of mainland France, whoever reads them: that is the time by which delays are counted.
"""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from services.portal.pages.words import Language

PARIS: Final = ZoneInfo("Europe/Paris")
_THIN: Final = "\u202f"
_SIGNS: Final = {"EUR": "€", "USD": "$", "GBP": "£"}
_AT: Final = {"fr": "à", "en": "at"}


def as_date(value: date | datetime | str) -> date:
    """The day in Paris. Raises ``ValueError`` for text that is no date."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    return value.astimezone(PARIS).date() if isinstance(value, datetime) else value


def as_instant(value: datetime | str) -> datetime:
    """The instant in Paris. Raises ``ValueError`` for text that is no instant."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.astimezone(PARIS)


def show_date(value: date | datetime | str | None) -> str:
    """``22/11/2026``; nothing for nothing."""
    return "" if value is None else as_date(value).strftime("%d/%m/%Y")


def show_instant(value: datetime | str | None, language: Language = "fr") -> str:
    """``22/11/2026 à 14:05``; nothing for nothing."""
    if value is None:
        return ""
    found = as_instant(value)
    return f"{found:%d/%m/%Y} {_AT[language]} {found:%H:%M}"


def show_number(value: int | Decimal | str, language: Language = "fr", places: int | None = None) -> str:
    """``12 345,6`` or ``12,345.6``; ``places``: so many decimals."""
    number = Decimal(value)
    text = f"{number:,.{places}f}" if places is not None else f"{number:,f}"
    return text if language == "en" else text.replace(",", _THIN).replace(".", ",")


def show_amount(value: Decimal | int | str | None, language: Language = "fr", currency: str = "EUR") -> str:
    """``1 234,56 €`` or ``€1,234.56``; what is no amount is shown as it is."""
    if value is None:
        return ""
    try:
        text = show_number(value, language, 2)
    except InvalidOperation:
        return str(value)
    sign = _SIGNS.get(currency)
    if language == "en":
        return f"{sign}{text}" if sign else f"{currency} {text}"
    return f"{text}{_THIN}{sign or currency}"


def show_siret(value: str | None) -> str:
    """``220 600 019 00016``: fourteen digits as INSEE writes them; another identifier as it is."""
    if value is None or len(value) != 14 or not value.isdigit():
        return value or ""
    return _THIN.join((value[:3], value[3:6], value[6:9], value[9:]))
