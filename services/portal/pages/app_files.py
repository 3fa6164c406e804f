"""What browsers ask for beside pages: the manifest that makes the portal installable, icons, robots.txt.

There is no service worker: nothing that one person sees may stay on a shared telephone.
"""

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from services.portal.pages.assets import Assets


def add_routes(app: FastAPI, assets: Assets) -> None:
    """Serve them."""
    manifest = {
        "name": "Chorale – factures publiques",
        "short_name": "Chorale",
        "description": "Déposer une facture à un organisme public, la suivre, la traiter.",
        "lang": "fr",
        "start_url": "/",
        "scope": "/",
        "display": "minimal-ui",
        "background_color": "#f6f4ef",
        "theme_color": "#14453d",
        "icons": [
            {"src": assets.url("icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
            {"src": assets.url("icon-192.png"), "sizes": "192x192", "type": "image/png", "purpose": "any"},
            {"src": assets.url("icon-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
        ],
    }

    @app.get("/manifest.webmanifest", include_in_schema=False)
    async def webmanifest() -> Response:
        headers = {"Cache-Control": "public, max-age=3600"}
        return JSONResponse(manifest, media_type="application/manifest+json", headers=headers)

    @app.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> Response:
        return RedirectResponse(assets.url("icon-192.png"), status_code=302)

    @app.get("/robots.txt", include_in_schema=False)
    async def robots() -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /api/\nDisallow: /lien\nDisallow: /invitation\n")
