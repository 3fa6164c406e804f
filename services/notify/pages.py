"""The small pages behind the links of mails: one sentence, one button, no script."""

from html import escape

from fastapi.responses import HTMLResponse

from services.notify.matrix import EVERY_KIND

_STYLE = (
    "body{font:18px/1.5 sans-serif;max-width:34em;margin:3em auto;padding:0 1em}"
    "button{font:inherit;padding:.6em 1.2em;background:#003189;color:#fff;border:0;cursor:pointer}"
)


def unsubscribe(address: str, kind: str) -> HTMLResponse:
    """Before: what the button does, and what it cannot stop."""
    what = "tous les messages facultatifs" if kind == EVERY_KIND else "ce type de message"
    return _page(
        "Ne plus recevoir ces messages",
        f"<p>L'adresse <strong>{escape(address)}</strong> ne recevra plus {what}. Les avis obligatoires (facture à "
        "traiter, suspension, rejet, adresse à corriger, dépôt refusé) restent envoyés.</p>"
        '<form method="post"><button>Ne plus recevoir</button></form>',
    )


def unsubscribed(address: str) -> HTMLResponse:
    """After."""
    return _page("C'est noté", f"<p>L'adresse <strong>{escape(address)}</strong> ne recevra plus ces messages.</p>")


def confirm(address: str) -> HTMLResponse:
    """Before: whose messages will come here."""
    return _page(
        "Confirmer votre adresse",
        f"<p>Les messages du compte qui l'a demandé arriveront à <strong>{escape(address)}</strong>.</p>"
        '<form method="post"><button>Confirmer cette adresse</button></form>',
    )


def confirmed(address: str) -> HTMLResponse:
    """After."""
    return _page("Adresse confirmée", f"<p>Vos messages arrivent désormais à <strong>{escape(address)}</strong>.</p>")


def expired() -> HTMLResponse:
    """Too late, or done already."""
    return _page(
        "Ce lien ne sert plus",
        "<p>L'adresse est déjà confirmée, une autre a été demandée depuis, ou le lien a plus de 3 jours. "
        "Refaites la demande depuis votre compte.</p>",
        status=410,
    )


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>",
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
            "frame-ancestors 'none'",
        },
    )
