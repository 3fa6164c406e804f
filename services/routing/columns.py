"""The columns of the directory's CSV files: one table for reading, writing and the documentation."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from invoice.directory import Engagement, Entry, Service, Structure, Tenant

Kind = Literal["tenant", "structure", "service", "engagement"]
KINDS: Mapping[str, type[Entry]] = {
    "tenant": Tenant,
    "structure": Structure,
    "service": Service,
    "engagement": Engagement,
}
Form = Literal["text", "bool", "level", "day", "number", "amount", "json"]


class Column(msgspec.Struct, frozen=True):
    """A column: which entries have it, the field it stands for (``parameters.moa``), its form and what it says."""

    name: str
    kinds: tuple[Kind, ...]
    path: str
    form: Form
    says: str


_ALL: tuple[Kind, ...] = ("structure", "service")
_LEVELS = {"non": "off", "attendu": "warn", "obligatoire": "refuse"}
_TRUE, _FALSE = frozenset({"oui", "true", "vrai", "1", "o"}), frozenset({"non", "false", "faux", "0", "n"})

COLUMNS: tuple[Column, ...] = (
    Column("siret", ("structure", "service", "engagement"), "siret", "text", "SIRET de la structure, 14 chiffres"),
    Column("tenant", ("structure",), "tenant", "text", "identifiant du tenant de la structure"),
    Column("tenant", ("tenant",), "id", "text", "identifiant du tenant : minuscules, chiffres, tirets"),
    Column("nom", ("tenant", "structure"), "name", "text", "nom"),
    Column("nom", ("service",), "label", "text", "libellé du service"),
    Column("code", ("service",), "code", "text", "code du service"),
    Column("code", ("engagement",), "number", "text", "numéro d'engagement"),
    Column("type", ("structure",), "kind", "text", "type de structure (invoice/data/kinds.yaml)"),
    Column("actif", ("tenant", "structure", "service"), "active", "bool", "oui ou non"),
    Column("debut", _ALL, "valid_from", "day", "premier jour, AAAA-MM-JJ"),
    Column("fin", _ALL, "valid_to", "day", "dernier jour, AAAA-MM-JJ"),
    Column("groupe", ("structure",), "group", "text", "collectivité à laquelle la structure appartient"),
    Column("code_budget", ("structure",), "budget_code", "text", "code du budget"),
    Column("commune", ("structure",), "town", "text", "commune"),
    Column("code_postal", ("structure",), "postal_code", "text", "code postal, 5 chiffres"),
    Column("delai_paiement", ("structure",), "payment_days", "number", "délai de paiement plus court, en jours"),
    Column("service_obligatoire", ("structure",), "parameters.service_required", "bool", "oui ou non"),
    Column("engagement_obligatoire", ("structure",), "parameters.engagement_required", "bool", "oui ou non"),
    Column("engagement_obligatoire", ("service",), "engagement_required", "bool", "vide : comme la structure"),
    Column("service_ou_engagement", ("structure",), "parameters.service_or_engagement", "bool", "l'un des deux exigé"),
    Column("marche", ("structure",), "parameters.market_required", "level", "non, attendu ou obligatoire"),
    Column("marche", ("service",), "market_required", "level", "vide : comme la structure"),
    Column("marche_vaut_engagement", ("structure",), "parameters.market_replaces_engagement", "bool", "oui ou non"),
    Column("marche_vaut_engagement", ("service",), "market_replaces_engagement", "bool", "vide : comme la structure"),
    Column("moa", ("structure",), "parameters.moa", "bool", "reçoit aussi des pièces de marchés de travaux"),
    Column("moa", ("service",), "moa", "bool", "vide : comme la structure"),
    Column("moa_uniquement", ("structure",), "parameters.moa_only", "bool", "ne reçoit que des pièces de travaux"),
    Column("moa_uniquement", ("service",), "moa_only", "bool", "vide : comme la structure"),
    Column("paiement_remonte", ("structure",), "parameters.payment_status_reported", "bool", "vide : non précisé"),
    Column("paiement_remonte", ("service",), "payment_status_reported", "bool", "vide : comme la structure"),
    Column("services_publies", ("structure",), "services_stated", "bool", "la liste des services est complète"),
    Column("engagements_publies", ("structure",), "engagements_stated", "bool", "la liste des engagements l'est aussi"),
    Column("formats_engagement", ("structure",), "engagement_formats", "json", "JSON : [{regex, mask, examples}]"),
    Column("formats_marche", ("structure",), "market_formats", "json", "JSON : [{regex, mask, examples}]"),
    Column("identifiants", ("structure",), "identifiers", "json", "JSON : [{type, value, normalised}]"),
    Column("niveaux", ("structure",), "levels", "json", "JSON : [{code, level}]"),
    Column("contact_nom", _ALL, "contact.name", "text", "contact public : nom du service"),
    Column("contact_courriel", _ALL, "contact.email", "text", "contact public : courriel"),
    Column("contact_telephone", _ALL, "contact.telephone", "text", "contact public : téléphone"),
    Column("contact_horaires", _ALL, "contact.hours", "text", "contact public : horaires"),
    Column("logo", ("tenant",), "logo", "text", "adresse https ou URI data: d'une image"),
    Column("expediteur", ("tenant",), "sender", "text", "adresse d'expédition des courriels"),
    Column("contacts", ("tenant",), "contacts", "json", "JSON : [{name, email, telephone, hours}]"),
    Column("regles", ("tenant",), "policies", "json", "JSON : {levels, hidden_motifs, recycling_restarts_delay}"),
    Column("fournisseur", ("engagement",), "supplier", "json", "JSON : {type, value, normalised}, ou un SIRET"),
    Column("service", ("engagement",), "service_code", "text", "code du service de l'engagement"),
    Column("ouvert", ("engagement",), "open", "bool", "oui ou non"),
    Column("reste", ("engagement",), "remaining", "amount", "montant restant en euros, 1234.50"),
)
NAMES: tuple[str, ...] = ("entree", *dict.fromkeys(column.name for column in COLUMNS))
PUBLIC_NAMES = tuple(
    name
    for name in NAMES
    if name == "entree" or any(c.name == name and set(c.kinds) != {"engagement"} for c in COLUMNS)
)
BY_KIND: Mapping[str, Mapping[str, Column]] = {
    kind: {column.name: column for column in COLUMNS if kind in column.kinds} for kind in KINDS
}

# A cell that a spreadsheet would take for a formula is written behind an apostrophe, which reading takes away again.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n|%]")
_SHIELDED = re.compile(r"'+[=+\-@\t\r\n|%]")


class BadCell(ValueError):
    """A cell that cannot be read: which column, what is there, what is expected."""

    def __init__(self, column: str, value: str, expected: str) -> None:
        super().__init__(f"{column}: {value!r}")
        self.column = column
        self.value = value
        self.expected = expected


def shield(text: str) -> str:
    """A cell that no spreadsheet runs."""
    return "'" + text if _FORMULA.match(text) else text


def unshield(text: str) -> str:
    """The reverse of :func:`shield`."""
    return text[1:] if _SHIELDED.match(text) else text


def cells(kind: Kind, entry: Entry) -> dict[str, str]:
    """An entry as a line."""
    built = msgspec.to_builtins(entry)
    found = {"entree": str(kind)}
    for name, column in BY_KIND[kind].items():
        text = _write(column.form, _at(built, entry, column.path))
        if text:
            found[name] = shield(text)
    return found


def _at(built: Mapping[str, Any], entry: Any, path: str) -> Any:
    # What equals its default is left out of `built` but has a value all the same.
    head, _, tail = path.partition(".")
    value = getattr(entry, head)
    if value is None or not tail:
        return built.get(head, msgspec.to_builtins(value))
    return getattr(value, tail)


def _write(form: Form, value: Any) -> str:
    if value is None or (form == "json" and not value):
        return ""
    match form:
        case "bool":
            return "oui" if value else "non"
        case "level":
            return next(word for word, level in _LEVELS.items() if level == value)
        case "json":
            return msgspec.json.encode(value).decode()
    return str(value)


def overlay(kind: str, line: Mapping[str, str], current: Entry | None) -> dict[str, Any]:
    """The entry that a line makes, as plain values: a column that the file lacks leaves what is in force.

    An empty cell says nothing special: the field's own default. Raises :class:`BadCell`.
    """
    built: dict[str, Any] = msgspec.to_builtins(current) if current is not None else {}
    for name, column in BY_KIND[kind].items():
        if name not in line:
            continue
        value = _read(column, unshield(line[name]).strip())
        head, _, tail = column.path.partition(".")
        place = built.setdefault(head, {}) if tail else built
        if value is None:
            place.pop(tail or head, None)
        else:
            place[tail or head] = value
        if tail and not built[head]:
            del built[head]
    return built


def _read(column: Column, text: str) -> Any:
    if not text:
        return None
    match column.form:
        case "bool":
            word = text.casefold()
            if word in _TRUE or word in _FALSE:
                return word in _TRUE
            raise BadCell(column.name, text, "oui ou non")
        case "level":
            if text.casefold() in _LEVELS:
                return _LEVELS[text.casefold()]
            raise BadCell(column.name, text, "non, attendu ou obligatoire")
        case "number":
            if text.isascii() and text.isdigit() and len(text) < 6:
                return int(text)
            raise BadCell(column.name, text, "un nombre entier")
        case "json":
            return _json(column, text)
    return text


def _json(column: Column, text: str) -> Any:
    if column.name == "fournisseur" and text[0] != "{":
        return {"type": "SIRET", "value": text, "normalised": re.sub(r"\D", "", text)}
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadCell(column.name, text[:100], "du JSON") from error


def write_csv(rows: Iterable[Mapping[str, str]], names: Sequence[str] = NAMES) -> Iterator[str]:
    """CSV lines (semicolon, as French spreadsheets expect), the header first."""
    buffer = _Line()
    writer = csv.DictWriter(buffer, names, delimiter=";", lineterminator="\r\n", restval="", extrasaction="ignore")
    writer.writeheader()
    yield buffer.text
    for row in rows:
        writer.writerow(row)
        yield buffer.text


class _Line:
    text = ""

    def write(self, text: str) -> None:
        self.text = text
