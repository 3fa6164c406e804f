"""What is written of a sollicitation once its delay is over."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from contracts.events import SolicitationRecorded
from services.notify import letters
from services.notify.telling import _of_solicitation

DUE = datetime(2026, 3, 10, 9, tzinfo=UTC)


def recorded(act: Literal["reminded", "asked_again"], at: datetime) -> SolicitationRecorded:
    return SolicitationRecorded(
        solicitation="0190e8a0-0000-7000-8000-000000000077",
        reference="S-0000042",
        entry=2,
        act=act,
        at=at,
        category="COMPTES",
        subcategory="CONNEXION",
        addressee="support",
        asker="person",
        by="platform",
        author="person:a",
        tell=("person:b",),
        invoice=None,
        invoice_number=None,
        supplier_siret=None,
        recipient_siret=None,
        recipient_name=None,
        service_code=None,
        tenant=None,
        due_at=DUE,
    )


@pytest.mark.parametrize("act", ["reminded", "asked_again"])
@pytest.mark.parametrize(
    ("language", "before", "after"), [("fr", "avant le", "pour le"), ("en", "before", "was due on")]
)
def test_a_day_that_is_over_is_not_said_to_be_ahead(
    act: Literal["reminded", "asked_again"], language: Literal["fr", "en"], before: str, after: str
) -> None:
    for at, there, gone in ((DUE - timedelta(days=1), before, after), (DUE + timedelta(days=1), after, before)):
        told = _of_solicitation(recorded(act, at))
        act_said = letters.said(told.kind, "person", told.facts, "", language)[2]
        assert there in act_said
        assert gone not in act_said
