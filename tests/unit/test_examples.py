"""The examples of the API's description are answers that the API could give."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from services.common import looks
from services.common.web import create_app
from services.ingest import api as ingest_api
from services.ingest import attachment_views, certificate_api, draft_questions, draft_views, flow_views
from services.ingest import examples as ingest
from services.ingest import views as ingest_views
from services.ingest.settings import IngestSettings
from services.notify import api as notify_api
from services.notify import examples as notify
from services.notify import mine_api, own_api, proof_api, recipients_api, webhook_views
from services.ocr import api as ocr_api
from services.ocr import examples as ocr
from services.status import examples as status
from services.status import views as status_views
from services.supervision import examples as supervision
from services.supervision import views as supervision_views

MODELS: dict[str, Any] = {
    "POST /api/v1/deposits": ingest_views.Receipt,
    "GET /api/v1/deposits": ingest_views.DepositPage,
    "GET /api/v1/deposits/looks": looks.LookPage,
    "GET /api/v1/deposits/{deposit_id}": ingest_views.DepositView,
    "POST /api/v1/deposits/{deposit_id}/attachments": attachment_views.AttachmentView,
    "GET /api/v1/deposits/{deposit_id}/attachments": attachment_views.AttachmentList,
    "GET /api/v1/deposits/{deposit_id}/attachments/{attachment_id}": attachment_views.AttachmentView,
    "GET /api/v1/drafts": draft_views.DraftPage,
    "GET /api/v1/drafts/questions": draft_questions.QuestionsView,
    "POST /api/v1/drafts/{draft_id}/submit": ingest_views.Receipt,
    "PUT /api/v1/drafts/{draft_id}/document": ingest_views.Receipt,
    "POST /api/v1/deposits/{deposit_id}/attachments/reuse": attachment_views.AttachmentView,
    "GET /api/v1/deposits/{deposit_id}/attachments/reusable": attachment_views.AttachmentList,
    "POST /api/v1/deposits/{deposit_id}/as-attachment": attachment_views.AttachmentView,
    "GET /api/v1/certificates/keys": certificate_api.KeyList,
    "POST /api/v1/flows": flow_views.FlowView,
    "GET /api/v1/flows": flow_views.FlowPage,
    "GET /api/v1/flows/{flow_id}": flow_views.FlowView,
    "GET /api/v1/flows/{flow_id}/items": flow_views.ItemPage,
    "POST /api/v1/drafts": draft_views.DraftView,
    "GET /api/v1/drafts/{draft_id}": draft_views.DraftView,
    "PATCH /api/v1/drafts/{draft_id}": draft_views.DraftView,
    "GET /api/v1/certificates/{deposit_id}": certificate_api.CertificateView,
    "POST /api/v1/certificates/verify": certificate_api.VerdictView,
    "POST /api/v1/certificates/verify/file": certificate_api.VerdictView,
    "GET /api/v1/invoices": status_views.InvoicePage,
    "GET /api/v1/invoices/looks": looks.LookPage,
    "GET /api/v1/messages": notify_api.MessagePage,
    "GET /api/v1/messages/managers": notify_api.ManagerList,
    "GET /api/v1/messages/recipients": recipients_api.RecipientList,
    "POST /api/v1/messages/recipients": recipients_api.RecipientView,
    "GET /api/v1/messages/mine": mine_api.OwnMessages,
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
    "GET /api/v1/supervision": supervision_views.Overview,
    "GET /api/v1/supervision/services": list[supervision_views.ServiceState],
    "GET /api/v1/supervision/reading": supervision_views.Layouts,
    "GET /api/v1/supervision/flows": supervision_views.RefusedFlows,
    "GET /api/v1/supervision/curves/{name}": supervision_views.Curve,
    "GET /api/v1/supervision/dead-letters": supervision_views.LetterList,
    "GET /api/v1/supervision/dead-letters/reasons": supervision_views.LetterReasons,
}
EXAMPLES: dict[str, Any] = {
    **ingest.EXAMPLES,
    **status.EXAMPLES,
    **notify.EXAMPLES,
    **ocr.EXAMPLES,
    **supervision.EXAMPLES,
}


async def _fine() -> str | None:
    return None


def test_every_route_of_deposits_shows_its_answer_and_what_it_takes_by_example() -> None:
    """Every JSON answer and every body of ingest. An upload's bytes are no example; a HEAD has no body."""
    app = create_app("ingest", token_secret="x" * 40, live=_fine, ready=[])
    app.state.examples = ingest.EXAMPLES
    given = {"environment": "development", "kafka": "k:1", "dsn": "d", "api_dsn": "d", "port": 1, "token_secret": "t"}
    store = {"s3_endpoint": "http://s3.example", "s3_access_key": "a", "s3_secret_key": "b"}
    nobody: Any = None
    settings = IngestSettings(**given, **store)  # type: ignore[arg-type]
    ingest_api.add_routes(app, pool=nobody, api_pool=nobody, blobs=nobody, settings=settings)
    schema = app.openapi()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method == "head" or path.endswith("/uploads"):
                continue
            for code, answer in operation["responses"].items():
                found = answer.get("content", {}).get("application/json")  # {}: a file to download, in this form too
                assert not code.startswith("2") or not found or "example" in found, f"{method} {path}"
            for kind, body in operation.get("requestBody", {}).get("content", {}).items():
                if kind in ("application/json", "multipart/form-data"):
                    name = body["schema"].get("$ref", "").rpartition("/")[2]
                    model = schema["components"]["schemas"].get(name, {})
                    assert "examples" in body or "example" in body or "examples" in model, f"{method} {path}"


def test_every_example_has_its_route_and_model() -> None:
    assert EXAMPLES.keys() == MODELS.keys()


@pytest.mark.parametrize("route", sorted(MODELS))
def test_an_example_is_an_answer(route: str) -> None:
    model: TypeAdapter[Any] = TypeAdapter(MODELS[route])
    found = model.validate_python(EXAMPLES[route])
    assert model.dump_python(found, mode="json", exclude_unset=True) == EXAMPLES[route]
