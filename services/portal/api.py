"""``/api/v1/accounts`` and ``/api/v1/oauth``: each file adds its routes."""

from fastapi import FastAPI

from services.common.blobs import Blobs
from services.common.usage import Usage
from services.portal import (
    account_api,
    announcement_api,
    audit_api,
    oauth_api,
    saved_searches,
    software_api,
    solicitation_api,
    structure_parts,
    usage_api,
)
from services.portal.parts import Parts
from services.portal.usage_sums import UsageSums


def add_routes(app: FastAPI, parts: Parts, blobs: Blobs, usage: Usage) -> None:
    """Serve the portal API on ``app``."""
    account_api.add_routes(app, parts)
    structure_parts.add_routes(app, parts, blobs)
    sums = UsageSums(parts.neighbours, usage)
    software_api.add_routes(app, parts, sums)
    usage_api.add_routes(app, sums)
    oauth_api.add_routes(app, parts)
    audit_api.add_routes(app, parts)
    saved_searches.add_routes(app, parts)
    solicitation_api.add_routes(app, parts, blobs)
    announcement_api.add_routes(app, parts)
