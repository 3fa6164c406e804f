"""What to write instead: names, codes and masks put into words for a supplier."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from difflib import get_close_matches

from invoice.directory import NumberFormat, Service, Structure
from invoice.identifiers import InvalidIdentifier, normalise, normalise_code

FEW_CODES = 8
_WHY = {
    "SIRET_LENGTH": "il faut 14 chiffres, il y en a {digits}",
    "SIRET_CHECKSUM": "un chiffre est faux, la clé de contrôle ne correspond pas",
}


def display_name(structure: Structure) -> str:
    """The name of a structure as a supplier knows it: ``Département des Alpes-Maritimes – Budget Principal``."""
    if structure.group and structure.group not in structure.name:
        return f"{structure.group} – {structure.name}"
    return structure.name


def why(error: InvalidIdentifier) -> str:
    """The reason why a SIRET is none, in words."""
    digits = sum(character.isdigit() for character in normalise(error.value))
    return _WHY[error.code].format(digits=digits)


def open_on(service: Service, on: date) -> bool:
    """Whether a service can be addressed on a day: active and within its dates."""
    started = service.valid_from is None or service.valid_from <= on
    return service.active and started and (service.valid_to is None or on <= service.valid_to)


def service_codes(
    services: Iterable[Service], on: date, *, near: str | None, stated: bool, hidden: Collection[str] = ()
) -> str:
    """The codes that would be accepted: all when few, else those that look like ``near``. May be empty.

    Not ``stated``: the body has not published its list, so that these are only the codes known here.
    """
    codes = sorted(s.code for s in services if open_on(s, on) and normalise_code(s.code) not in hidden)
    if not codes:
        return ""
    if len(codes) <= FEW_CODES:
        quality = ("accepté" if stated else "connu") + ("" if len(codes) == 1 else "s")
        return f"{_plural('Code', 'Codes', codes)} {quality} : {', '.join(codes)}."
    close = [] if near is None else _close(near, codes)
    if close:
        return f"{_plural('Code voisin', 'Codes voisins', close)} : {', '.join(close)}."
    return f"L'annuaire donne les {len(codes)} codes {'acceptés' if stated else 'connus'}."


def number_forms(formats: Sequence[NumberFormat]) -> str:
    """The masks and examples of a body's numbers. Empty where it has published none."""
    if not formats:
        return ""
    shown = (f"{f.mask} (exemple : {f.examples[0]})" if f.examples else f.mask for f in formats)
    return f"{_plural('Forme acceptée', 'Formes acceptées', formats)} : {' ; '.join(shown)}."


def _plural(one: str, many: str, things: Sequence[object]) -> str:
    return one if len(things) == 1 else many


def _close(near: str, codes: Sequence[str]) -> list[str]:
    by_key = {normalise_code(code): code for code in codes}
    wanted = normalise_code(near)[:100]
    inside = [key for key in by_key if wanted and (wanted in key or key in wanted)]
    matches = dict.fromkeys((*inside, *get_close_matches(wanted, by_key, n=3, cutoff=0.6)))
    return [by_key[key] for key in list(matches)[:3]]
