"""The pages of the platform: rendered by the server, complete without script.

An area is a module with ``add_routes(router)``, its templates in ``templates/<area>/`` and its words in
``words/<language>/<area>.yaml``; it is named once, in :data:`AREAS`.
"""

import re
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, FastAPI

from services.portal.pages import (
    account,
    account_factors,
    account_proof,
    account_secrets,
    acting,
    announcements,
    app_files,
    archive,
    assets,
    bulk,
    certificate,
    deposit,
    deposit_follow,
    directory,
    draft,
    draft_cadre,
    draft_pieces,
    fixed,
    flow,
    gestion,
    gestion_directory,
    gestion_import,
    gestion_trail,
    help,
    home,
    invited,
    invoice,
    invoice_feed,
    invoices,
    joining,
    mailed,
    messages,
    papers,
    people,
    people_access,
    preferences,
    saved,
    signing,
    software,
    solicitations,
    solicitations_new,
    state,
    structures,
    structures_edit,
    supervision,
    supervision_letters,
    trial,
    typing_in,
    webhooks,
    works,
)
from services.portal.pages.assets import Assets
from services.portal.pages.banner import Banner
from services.portal.pages.connections import Services
from services.portal.pages.guard import Guard
from services.portal.pages.page import House
from services.portal.pages.route import PageRoute, add_unknown
from services.portal.parts import Parts

Area = Callable[[APIRouter], None]
AREAS: Final[tuple[Area, ...]] = (
    home.add_routes,
    signing.add_routes,
    joining.add_routes,
    mailed.add_routes,
    invited.add_routes,
    account.add_routes,
    account_proof.add_routes,
    account_secrets.add_routes,
    account_factors.add_routes,
    directory.add_routes,
    deposit.add_routes,
    deposit_follow.add_routes,
    draft.add_routes,
    draft_cadre.add_routes,
    draft_pieces.add_routes,
    typing_in.add_routes,
    flow.add_routes,
    certificate.add_routes,
    trial.add_routes,
    # Addresses of their own come before /factures/{invoice}, which would take any word for an invoice.
    invoices.add_routes,
    works.add_routes,
    archive.add_routes,
    saved.add_routes,
    bulk.add_routes,
    invoice_feed.add_routes,
    acting.add_routes,
    invoice.add_routes,
    fixed.add_routes,
    help.add_routes,
    state.add_routes,
    solicitations_new.add_routes,
    solicitations.add_routes,
    messages.add_routes,
    preferences.add_routes,
    webhooks.add_routes,
    announcements.add_routes,
    supervision.add_routes,
    supervision_letters.add_routes,
    structures.add_routes,
    structures_edit.add_routes,
    papers.add_routes,
    people.add_routes,
    people_access.add_routes,
    software.add_routes,
    gestion.add_routes,
    gestion_trail.add_routes,
    gestion_directory.add_routes,
    gestion_import.add_routes,
)
#: Forms with files come for as long as their sender's line needs; what reads them bounds each silence by itself.
LONG_BODIES: Final = re.compile(
    r"/(deposer|flux|essayer|certificats/verifier|brouillons/[^/]+/(pieces|document)|factures/[^/]+/agir/[^/]+"
    r"|sollicitations/(nouvelle|[^/]+/message)|structures/[^/]+/justificatif|gestion/import)"
)


def add_pages(app: FastAPI, parts: Parts) -> House:
    """Serve the pages on ``app``; what they share is closed by the caller (``house.services.close``)."""
    settings = parts.settings
    services = Services(app, parts.tokens, settings.service_urls, settings.origin)
    house = House(
        parts=parts,
        services=services,
        assets=Assets(),
        guard=Guard(settings.secret),
        banner=Banner.of(services),
    )
    app.state.house = house
    app.state.long_bodies = LONG_BODIES
    assets.add_routes(app, house.assets)
    app_files.add_routes(app, house.assets)
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    for add in AREAS:
        add(router)
    app.include_router(router)
    house.there = frozenset(route.path for route in router.routes if hasattr(route, "path"))
    add_unknown(app)
    return house
