"""The fields of a deposit's form that say what the document does not: cadre, validators, works parties and file."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from invoice.cadres import Given, check_given, settled
from invoice.findings import Finding
from invoice.labels import FIELD_LABELS
from invoice.messages import finding
from invoice.model import Party

_ID = "019e1c4e-0b7a-7c3e-9f00-3f1d2c4b5a69"
#: Every field with what it asks for, in French, and an example.
FIELDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "cadre": ("Cadre de facturation : A1, A2, A9, A12, S3, S6, ou une pièce de travaux (A4 à A25).", "A9"),
        "validator_1_siret": (
            "SIRET de l'entreprise qui doit valider : le titulaire, ou le cotraitant.",
            "55208131766522",
        ),
        "validator_1_service": ("Son service, s'il y en a un.", "COMPTA"),
        "validator_2_siret": ("SIRET du second valideur : le mandataire du groupement.", "35600000000048"),
        "validator_2_service": ("Son service, s'il y en a un.", "TRAVAUX"),
        "moe_siret": ("SIRET du maître d'œuvre (pièces de travaux).", "55208131766522"),
        "moe_service": ("Son service, s'il y en a un.", "ETUDES"),
        "moa_siret": ("SIRET du maître d'ouvrage (pièces de travaux).", "20002983300015"),
        "moa_service": ("Son service, s'il y en a un.", "BATIMENTS"),
        "works_file": (
            "Dossier de facturation : l'identifiant d'une de ses pièces. Vide : celui de la pièce d'avant, ou nouveau.",
            _ID,
        ),
        "previous_piece": (
            "Identifiant de la pièce à laquelle celle-ci fait suite.",
            _ID,
        ),
        "call_off": ("« oui » pour une commande d'un marché à bons de commande : elle suit le circuit simple.", "oui"),
        "as_draft": ("« oui » pour relire avant l'envoi : le document lu attend comme brouillon.", "oui"),
    }
)
YES, NO = frozenset(("oui", "true", "1")), frozenset(("non", "false", "0"))
_PARTIES = ("validator_1", "validator_2", "moe", "moa")


def read_form(values: Mapping[str, str]) -> tuple[Given, tuple[Finding, ...]]:
    """What was given, settled, or what is wrong with it; a field of spaces only counts as not given."""
    typed = {name: value.strip() for name, value in values.items() if value.strip()}
    parties = {
        name: Party(siret=typed[f"{name}_siret"], service=typed.get(f"{name}_service"))
        for name in _PARTIES
        if f"{name}_siret" in typed
    }
    validators = tuple(parties[name] for name in ("validator_1", "validator_2") if name in parties)
    if "validator_1" not in parties:
        validators = ()  # a second one alone is told as such, not taken for the first
    given = Given(
        cadre=typed.get("cadre"),
        validators=validators,
        moe=parties.get("moe"),
        moa=parties.get("moa"),
        works_file=_lower(typed.get("works_file")),
        previous_piece=_lower(typed.get("previous_piece")),
        call_off=typed.get("call_off", "").lower() in YES,
        as_draft=typed.get("as_draft", "").lower() in YES,
    )
    wrong = (*_alone(typed), *_yes_or_no(typed), *check_given(given))
    return (given if wrong else settled(given)), wrong


def _alone(typed: Mapping[str, str]) -> Iterator[Finding]:
    for name in _PARTIES:
        service = typed.get(f"{name}_service")
        if service is not None and f"{name}_siret" not in typed:
            yield finding("PARTY_SERVICE_ALONE", value=service[:100], field=f"{name}_service", label=FIELD_LABELS[name])
    if "validator_2_siret" in typed and "validator_1_siret" not in typed:
        yield finding("VALIDATOR_ORDER", value=typed["validator_2_siret"])


def _yes_or_no(typed: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("call_off", "as_draft"):
        value = typed.get(name)
        if value is not None and value.lower() not in YES | NO:
            words = {"label": FIELD_LABELS[name], "form": "« oui » ou « non »"}
            yield finding("FORM_MALFORMED", field=name, value=value[:60], **words)


def _lower(value: str | None) -> str | None:
    return None if value is None else value.lower()
