"""What services say of an invoice in French, on a page in another language: every word of their tables has its own."""

from typing import Any

import pytest

from invoice.lifecycle import STATUSES, TURN_LABELS
from services.portal.pages import help_names, invoice_view, render
from services.portal.pages.words import Words, spaced
from services.status.actions import ACTIONS
from services.status.words import NOTICES, NOTICES_TO, OUTCOMES, action_label, notice_label
from tests.unit.portal.test_invoice_view import entry

FRENCH, ENGLISH = Words("fr"), Words("en")


def test_whose_turn_it_is_has_words_in_both_languages() -> None:
    assert {help_names.turn(actor, "fr", said) for actor, said in TURN_LABELS.items()} == set(TURN_LABELS.values())
    english = {help_names.turn(actor, "en", said) for actor, said in TURN_LABELS.items()}
    assert len(english) == len(TURN_LABELS)
    assert english.isdisjoint(TURN_LABELS.values())
    assert help_names.turn("NEW", "en", "À quelqu'un d'agir") == "À quelqu'un d'agir"


def _entries() -> list[dict[str, Any]]:
    """One entry of every kind that a history can hold, as the service labels it."""
    notices = [
        {"audience": audience, "outcome": outcome, "role": role}
        for (audience, outcome, role) in (
            *((*each, None) for each in NOTICES),
            *(("supplier" if role == "validator" else "body", outcome, role) for role, outcome in NOTICES_TO),
        )
    ]
    return [
        *(entry(status_to=code, label=known.label_fr) for code, known in STATUSES.items()),
        *(
            entry(
                kind="notice",
                status_to=None,
                notice=each,
                label=notice_label(str(each["audience"]), str(each["outcome"]), each["role"]),
            )
            for each in notices
        ),
        *(
            entry(kind="action", status_to=None, action=name, label=action_label(name))
            for name in (*ACTIONS, *OUTCOMES)
        ),
        entry(kind="delay", status_to=None, label="Aucun avis n'ayant été accepté"),
    ]


def test_every_entry_of_a_story_is_called_in_the_language_of_the_page() -> None:
    for each in _entries():
        assert help_names.entry(each, FRENCH) == spaced(each["label"])
        assert help_names.entry(each, ENGLISH) != spaced(each["label"]), each
    told = invoice_view.story([entry()], ENGLISH, people={}, files={}).told
    assert [one.title for one in told] == ["Suspended"]


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_a_status_is_explained_as_it_counts(code: str) -> None:
    known = STATUSES[code]
    assert help_names.explained(code, "fr", known.explain_fr) == spaced(known.explain_fr)
    assert help_names.explained(code, "en", known.explain_fr) == help_names.status(known, "en")[1]
    if known.explain_fr_no_effect is not None:
        assert help_names.explained(code, "fr", known.explain_fr_no_effect) == spaced(known.explain_fr_no_effect)
        assert "goes on running" in help_names.explained(code, "en", known.explain_fr_no_effect)


def test_templates_say_it_by_the_language() -> None:
    made = render.environment().from_string("{{ status|status_text }} {{ turn|turn_name }}")
    given = {
        "status": {"code": "DEPOSEE", "explanation": STATUSES["DEPOSEE"].explain_fr},
        "turn": {"actor": "S", "label": TURN_LABELS["S"]},
    }
    assert made.render(language="en", **given).endswith("deposit is there. The platform is sending the invoice on")
    assert made.render(language="fr", **given).endswith("La plateforme achemine la facture")
