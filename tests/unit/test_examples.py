"""The examples of the API's description are answers that the API could give."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from services.ingest import attachment_api
from services.ingest import examples as ingest
from services.ingest import views as ingest_views
from services.notify import api as notify_api
from services.notify import examples as notify
from services.notify import own_api, proof_api, recipients_api, webhook_views
from services.ocr import api as ocr_api
from services.ocr import examples as ocr
from services.status import examples as status
from services.status import views as status_views

MODELS: dict[str, Any] = {
    "POST /api/v1/deposits": ingest_views.Receipt,
    "GET /api/v1/deposits": ingest_views.DepositPage,
    "GET /api/v1/deposits/{deposit_id}": ingest_views.DepositView,
    "POST /api/v1/deposits/{deposit_id}/attachments": attachment_api.AttachmentView,
    "GET /api/v1/deposits/{deposit_id}/attachments": attachment_api.AttachmentList,
    "GET /api/v1/deposits/{deposit_id}/attachments/{attachment_id}": attachment_api.AttachmentView,
    "GET /api/v1/invoices": status_views.InvoicePage,
    "GET /api/v1/messages": notify_api.MessagePage,
    "GET /api/v1/messages/managers": notify_api.ManagerList,
    "GET /api/v1/messages/recipients": recipients_api.RecipientList,
    "POST /api/v1/messages/recipients": recipients_api.RecipientView,
    "GET /api/v1/messages/preferences": own_api.Preferences,
    "PUT /api/v1/messages/preferences": own_api.Preferences,
    "GET /api/v1/messages/contact": own_api.ContactView,
    "PUT /api/v1/messages/contact": own_api.ContactView,
    "GET /api/v1/messages/proofs": proof_api.ProofList,
    "GET /api/v1/webhooks": list[webhook_views.WebhookView],
    "POST /api/v1/webhooks": webhook_views.WebhookView,
    "GET /api/v1/webhooks/{webhook}": webhook_views.WebhookView,
    "GET /api/v1/webhooks/{webhook}/deliveries": webhook_views.DeliveryPage,
    "GET /api/v1/pages/{document}/index": ocr_api.PagesOut,
}
EXAMPLES: dict[str, Any] = {**ingest.EXAMPLES, **status.EXAMPLES, **notify.EXAMPLES, **ocr.EXAMPLES}


def test_every_example_has_its_route_and_model() -> None:
    assert EXAMPLES.keys() == MODELS.keys()


@pytest.mark.parametrize("route", sorted(MODELS))
def test_an_example_is_an_answer(route: str) -> None:
    model: TypeAdapter[Any] = TypeAdapter(MODELS[route])
    found = model.validate_python(EXAMPLES[route])
    assert model.dump_python(found, mode="json", exclude_unset=True) == EXAMPLES[route]
