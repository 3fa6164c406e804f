"""The bare page of one sentence to which an identity provider's answer leads where it opens nothing."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Final

from fastapi.responses import HTMLResponse

_STYLE: Final = "body{font:18px/1.5 sans-serif;max-width:34em;margin:3em auto;padding:0 1em}"
_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()


def told(
    title: str, text: str, *, status: int = 200, onward: tuple[str, str] = ("/connexion", "Retour à la connexion")
) -> HTMLResponse:
    """What has happened, and what to do; ``onward``: a path of the platform, and its words."""
    path, words = onward
    return HTMLResponse(
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="same-origin">'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1><p>{escape(text)}</p>"
        f'<p><a href="{escape(path)}">{escape(words)}</a></p></main></body></html>',
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; "
            "frame-ancestors 'none'; base-uri 'none'",
        },
    )
