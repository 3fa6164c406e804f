"""The French words beside the codes: turns, notices, acts, and what is said of the payment delay."""

from collections.abc import Mapping
from typing import Final

from invoice.lifecycle import TURN_LABELS
from services.status.actions import ACTIONS
from services.status.solicited import LABELS

#: Whose turn it is, in words.
TURNS: Final = TURN_LABELS
#: What proves the start of the payment delay, in words (decisions.md 18).
SOURCES: Final = {
    "notice": "Le délai court depuis l'acceptation de l'avis envoyé par courriel au destinataire.",
    "portal": "Aucun avis n'ayant été accepté en 24 heures, le délai court depuis la mise à disposition sur la "
    "plateforme (règle de la plateforme).",
    "service_done": "Le délai court depuis le service fait, postérieur à la réception (R2192-13).",
    "agreement": "Le délai court depuis l'accord du valideur (R2192-23).",
    "tacit": "Le délai court depuis la fin des 15 jours du valideur, restés sans réponse (R2192-23).",
    "moe": "Le délai court depuis la réception par le maître d'œuvre (R2192-12).",
}
#: The state of the delay, in words.
STATES: Final[Mapping[str, str]] = {
    "not_started": "Le délai de paiement n'a pas commencé.",
    "running": "Le délai de paiement court.",
    "interrupted": "Le délai de paiement est interrompu.",
    "stopped": "La facture est mise en paiement.",
    "closed": "La facture est close sans paiement.",
    "none": "Rien n'est à payer sur cette pièce.",
}
NOTICES: Final = {
    ("supplier", "accepted"): "Avis envoyé au fournisseur",
    ("supplier", "failed"): "L'avis au fournisseur n'a pas pu être remis",
    ("body", "accepted"): "Avis envoyé au destinataire",
    ("body", "failed"): "Un avis au destinataire n'a pas pu être remis",
}
#: The same where the notice went to somebody else on that side: it proves as much (decisions.md 18).
NOTICES_TO: Final[dict[tuple[str | None, str], str]] = {
    ("administrator", "accepted"): "Avis envoyé à l'administrateur de la collectivité, faute d'adresse du destinataire",
    ("administrator", "failed"): "L'avis à l'administrateur de la collectivité n'a pas pu être remis",
    ("validator", "accepted"): "Avis envoyé au valideur",
    ("validator", "failed"): "L'avis au valideur n'a pas pu être remis",
    ("moe", "accepted"): "Avis envoyé au maître d'œuvre",
    ("moe", "failed"): "L'avis au maître d'œuvre n'a pas pu être remis",
    ("moa", "accepted"): "Avis envoyé au maître d'ouvrage",
    ("moa", "failed"): "L'avis au maître d'ouvrage n'a pas pu être remis",
}
#: What is not asked for by anybody but follows from an action, in words.
OUTCOMES: Final = {
    "transferred": "Transférée à un autre service",
    "transfer_refused": "Le transfert n'a pas abouti",
    "fetched": "Reprise par le logiciel financier du destinataire",
    **LABELS,
}


def notice_label(audience: str, outcome: str, role: str | None) -> str:
    """What became of a notice, in words."""
    return NOTICES_TO.get((role, outcome)) or NOTICES.get((audience, outcome), f"{audience}, {outcome}")


def action_label(name: str) -> str:
    """What was done, in words."""
    action = ACTIONS.get(name)
    return OUTCOMES.get(name, name) if action is None else action.label
