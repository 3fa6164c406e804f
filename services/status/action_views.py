"""What the API of actions takes and answers, and a refusal as problem+json."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from invoice.lifecycle import ACTORS
from services.common.web import Problem
from services.status import action, views
from services.status.action import Refused
from services.status.model import Invoice

_NO_NUL = r"^[^\x00]*$"
#: Lines and tabs, and no other control character: what is written stands in mails and on screens.
Text = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]


class ActionIn(BaseModel):
    """An action on an invoice. ``fields``: what it takes, by name; ``null`` empties a field. ``attachments``: ids of
    files deposited with the invoice before."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"action": "return_for_recycling", "motif": "SE_ERR", "comment": "Ce service n'achète plus rien."},
                {"action": "recycle", "fields": {"service_code": "DRH"}},
                {"action": "transfer", "fields": {"service_code": "TEST-VOIRIE"}},
                {"action": "put_in_payment", "fields": {"paid_on": "2026-03-30", "amount": "1234.50"}},
                {"action": "complete", "attachments": ["0190e8a0-0000-7000-8000-000000000077"]},
            ]
        },
    )

    action: Annotated[str, Field(max_length=60, pattern=_NO_NUL)]
    motif: Annotated[str | None, Field(max_length=60, pattern=_NO_NUL)] = None
    comment: Text | None = None
    fields: Annotated[dict[Annotated[str, Field(max_length=60)], Text | None], Field(max_length=20)] = {}
    attachments: Annotated[list[Annotated[str, Field(max_length=60, pattern=_NO_NUL)]], Field(max_length=50)] = []


class FieldOut(BaseModel):
    """A field that an action takes, and what it holds now."""

    name: str
    label: str
    required: bool
    value: str | None


class MotifOut(BaseModel):
    """A motif that is offered."""

    code: str
    label: str


class PossibleOut(BaseModel):
    """An action that the caller may do now, and what has to come with it (``required``, ``optional``, ``none``).

    ``warning``: what to know before confirming. ``if_match``: the action decides something, so it names the version.
    """

    action: str
    label: str
    actor: str
    actor_label: str
    motif: str
    motifs: list[MotifOut]
    comment: str
    comment_min: int
    fields: list[FieldOut]
    attachments: bool
    if_match: bool
    warning: str | None


class PossibleActions(BaseModel):
    """What the caller may do now, and whose turn it is. ``version`` is the ETag that an action has to name."""

    invoice: UUID
    version: str
    status: views.StatusView
    turn: views.Turn | None
    actions: list[PossibleOut]


class Done(BaseModel):
    """What was done: the entry it wrote and where the invoice stands now."""

    invoice: UUID
    action: str
    entry: int
    version: str
    status: views.StatusView
    turn: views.Turn | None


def possible_out(invoice: Invoice, one: action.Possible, warning: str | None = None) -> PossibleOut:
    """One action, in the words of the API."""
    held = {"recipient_siret": invoice.header.recipient_siret, "engagement": invoice.header.engagement}
    held["service_code"] = invoice.service_code if one.actor == "D" else invoice.header.service_code
    return PossibleOut(
        action=one.name,
        label=one.label,
        actor=one.actor,
        actor_label=ACTORS[one.actor],
        motif=one.motif,
        motifs=[MotifOut(code=code, label=label) for code, label in one.motifs.items()],
        comment=one.comment,
        comment_min=one.comment_min,
        fields=[FieldOut(name=f.name, label=f.label, required=f.required, value=held.get(f.name)) for f in one.fields],
        attachments=one.attachments,
        if_match=not one.light,
        warning=warning,
    )


#: Why → HTTP status, code and title.
_PROBLEMS: Final = {
    "unknown": (422, "ACTION_UNKNOWN", "Action inconnue"),
    "not_yours": (403, "ACTION_NOT_YOURS", "Cette action ne vous revient pas"),
    "not_now": (409, "ACTION_NOT_NOW", "Action impossible maintenant"),
    "invalid": (422, "ACTION_INVALID", "Action incomplète ou incorrecte"),
}


def problem(refused: Refused, asked: str) -> Problem:
    """A refusal: why, what is possible now, and to whom it falls."""
    status, code, title = _PROBLEMS[refused.why]
    instead = ", ".join(f"« {one.label} » ({one.name})" for one in refused.possible) or "aucune action"
    turn = f" C'est à ce rôle d'agir : {ACTORS[refused.turn]}." if refused.turn else " La facture est close."
    errors = [
        {"field": f.field, "value": f.value, "rule": f.rule, "message": f.message, "action": f.action}
        for f in refused.faults
    ] or [
        {
            "field": "action",
            "value": asked[:60],
            "rule": code,
            "message": refused.message,
            "action": f"Possible maintenant pour vous : {instead}.{turn}",
        }
    ]
    detail = f"{refused.message} Possible maintenant pour vous : {instead}.{turn}"
    return Problem(status, code, title, detail, errors=errors)
