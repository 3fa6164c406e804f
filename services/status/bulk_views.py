"""What the API of bulk actions takes and answers."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.status import views
from services.status.action_views import Text

MOST: int = 500
_NO_NUL = r"^[^\x00]*$"


class BulkItemIn(BaseModel):
    """An invoice of a selection. ``version``: its ETag as it was read; without it, as it is found now."""

    model_config = ConfigDict(extra="forbid")

    invoice: UUID
    version: Annotated[str | None, Field(max_length=14, pattern=_NO_NUL)] = None


class BulkIn(BaseModel):
    """One action on many invoices: those named, or (``filter``) those that the query's conditions give."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "action": "take_in_charge",
                    "invoices": [{"invoice": "0190e8a0-0000-7000-8000-000000000042", "version": '"2"'}],
                },
                {"action": "mandate", "fields": {"mandate_number": "2026-118"}, "filter": True},
            ]
        },
    )

    action: Annotated[str, Field(max_length=60, pattern=_NO_NUL)]
    motif: Annotated[str | None, Field(max_length=60, pattern=_NO_NUL)] = None
    comment: Text | None = None
    fields: Annotated[dict[Annotated[str, Field(max_length=60)], Text | None], Field(max_length=20)] = {}
    invoices: Annotated[list[BulkItemIn], Field(max_length=MOST)] = []
    filter: bool = False


class BulkProblem(BaseModel):
    """Why nothing was done to one invoice, as the action on it alone would have answered."""

    status: int
    code: str
    title: str
    detail: str
    errors: list[dict[str, Any]]


class BulkItem(BaseModel):
    """What became of one invoice. ``already``: it was there before, with the same values, so nothing was written."""

    invoice: UUID
    outcome: Literal["done", "already", "refused"]
    entry: int | None = None
    version: str | None = None
    status: views.StatusView | None = None
    problem: BulkProblem | None = None


class BulkReport(BaseModel):
    """What became of each, in the order asked for."""

    action: str
    asked: int
    done: int
    already: int
    refused: int
    invoices: list[BulkItem]
