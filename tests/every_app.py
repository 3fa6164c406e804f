"""The seven applications with all their routes, and nothing behind them: for what routes show by themselves."""

from typing import Any
from unittest.mock import MagicMock

from fastapi import FastAPI

from contracts.registry import SERVICES
from services.common import deadletter_api, persons, usage
from services.common.web import create_app
from services.ingest import api as ingest_api
from services.ingest import rehearsal
from services.ingest.settings import IngestSettings
from services.notify import api as notify_api
from services.notify import webhook_api
from services.ocr import api as ocr_api
from services.ocr import trial
from services.portal import api as portal_api
from services.portal import pages
from services.portal.parts import assemble
from services.portal.settings import PortalSettings
from services.routing import api as routing_api
from services.routing.settings import Limits, RoutingSettings
from services.status import api as status_api
from services.status import api_actions, api_bulk, api_clock, api_inbox
from services.supervision import api as supervision_api

_SECRET = "x" * 40
_GIVEN: dict[str, Any] = {
    "environment": "development",
    "kafka": "k:1",
    "dsn": "d",
    "api_dsn": "d",
    "port": 1,
    "token_secret": _SECRET,
    "public_url": "http://chorale.example",
    "s3_endpoint": "http://s3.example",
    "s3_access_key": "a",
    "s3_secret_key": "b",
}
_NOBODY: Any = MagicMock()


async def _fine() -> str | None:
    return None


def every_app() -> dict[str, FastAPI]:
    """Each service's application by its name, as its process composes it."""
    made = {name: create_app(name, token_secret=_SECRET, live=_fine, ready=[]) for name in SERVICES}
    for name, app in made.items():
        usage.add_route(app, name, _NOBODY)
        deadletter_api.add_routes(app, name, _NOBODY, _NOBODY)
        if name != "supervision":
            persons.add_routes(app, name, _NOBODY, _NOBODY)
    ingest = IngestSettings(**_GIVEN)
    rehearsal.add_routes(made["ingest"], _NOBODY, ingest)
    ingest_api.add_routes(made["ingest"], pool=_NOBODY, api_pool=_NOBODY, blobs=_NOBODY, settings=ingest)
    ocr_api.add_routes(made["ocr"], _NOBODY, _NOBODY)
    trial.add_routes(made["ocr"], _NOBODY)
    limits = Limits.of(RoutingSettings(**_GIVEN))
    routing_api.add_routes(made["routing"], routing_api.Pools(write=_NOBODY, read=_NOBODY), _NOBODY, limits)
    _add_status(made["status"])
    notify_api.add_routes(made["notify"], _NOBODY, _NOBODY, "a secret for bounces", pool=_NOBODY)
    webhook_api.add_routes(made["notify"], _NOBODY, _NOBODY, None)
    supervision_api.add_routes(made["supervision"], _NOBODY, _NOBODY, _NOBODY)
    parts = assemble(PortalSettings(**_GIVEN), _NOBODY, _NOBODY)
    portal_api.add_routes(made["portal"], parts, _NOBODY, _NOBODY)
    pages.add_pages(made["portal"], parts)
    return {str(name): app for name, app in made.items()}


def _add_status(app: FastAPI) -> None:
    api_actions.add_routes(app, _NOBODY, _NOBODY)
    api_bulk.add_routes(app, _NOBODY, _NOBODY)
    api_clock.add_routes(app, _NOBODY, _NOBODY)
    api_inbox.add_routes(app, _NOBODY, _NOBODY, _NOBODY)
    status_api.add_routes(app, _NOBODY, _NOBODY, _NOBODY, lambda: False)
