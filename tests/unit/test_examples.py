"""The examples of the API's description are answers that the API could give."""

from typing import Any

import pytest
from pydantic import BaseModel

from services.ingest import examples as ingest
from services.ingest import views as ingest_views
from services.notify import api as notify_api
from services.notify import examples as notify
from services.ocr import api as ocr_api
from services.ocr import examples as ocr
from services.status import examples as status
from services.status import views as status_views

MODELS: dict[str, type[BaseModel]] = {
    "POST /api/v1/deposits": ingest_views.Receipt,
    "GET /api/v1/deposits": ingest_views.DepositPage,
    "GET /api/v1/deposits/{deposit_id}": ingest_views.DepositView,
    "GET /api/v1/invoices": status_views.InvoicePage,
    "GET /api/v1/messages": notify_api.MessagePage,
    "GET /api/v1/messages/managers": notify_api.ManagerList,
    "GET /api/v1/pages/{document}/index": ocr_api.PagesOut,
}
EXAMPLES: dict[str, Any] = {**ingest.EXAMPLES, **status.EXAMPLES, **notify.EXAMPLES, **ocr.EXAMPLES}


def test_every_example_has_its_route_and_model() -> None:
    assert EXAMPLES.keys() == MODELS.keys()


@pytest.mark.parametrize("route", sorted(MODELS))
def test_an_example_is_an_answer(route: str) -> None:
    found = MODELS[route].model_validate(EXAMPLES[route])
    said = found.model_dump(mode="json", exclude_unset=True)
    assert said == EXAMPLES[route]
