"""The small pages behind the links of mails: one sentence, one form, no script."""

from html import escape
from typing import Final

from fastapi.responses import HTMLResponse

from services.portal.account_passwords import LEAST
from services.portal.mail_links import Purpose

_PAGE: Final = "/api/v1/accounts/links/page"
_STYLE: Final = (
    "body{font:18px/1.5 sans-serif;max-width:34em;margin:3em auto;padding:0 1em}"
    "button{font:inherit;padding:.6em 1.2em;background:#003189;color:#fff;border:0;cursor:pointer}"
    "input{font:inherit;padding:.5em;width:100%;box-sizing:border-box;margin:.3em 0 1em}.wrong{color:#a30000}"
)
_WORDS: Final[dict[Purpose, tuple[str, str, str]]] = {
    "activation": ("Activer votre compte", "Choisissez votre mot de passe.", "Activer le compte"),
    "reset": ("Nouveau mot de passe", "Choisissez votre nouveau mot de passe.", "Enregistrer"),
    "email_old": (
        "Confirmer le changement d'adresse",
        "Votre compte s'ouvrira avec l'autre adresse.",
        "Confirmer le changement",
    ),
    "email_new": ("Confirmer votre adresse", "Votre compte s'ouvrira avec cette adresse.", "Confirmer cette adresse"),
    "provider": (
        "Confirmer votre identité",
        "Votre fournisseur d'identité ouvrira ce compte.",
        "Confirmer",
    ),
    "reopen": ("Rouvrir votre compte", "Votre compte sera de nouveau ouvert.", "Rouvrir le compte"),
}


def ask(purpose: Purpose, token: str, *, with_password: bool, wrong: str | None = None) -> HTMLResponse:
    """Before: what the button does. ``wrong``: why the password that was chosen is refused."""
    title, said, button = _WORDS[purpose]
    field = (
        f'<label for="password">Mot de passe ({LEAST} caractères au moins ; une phrase convient)</label>'
        '<input id="password" name="password" type="password" autocomplete="new-password" required '
        f'minlength="{LEAST}"{_described(wrong)}>'
        if with_password and purpose in ("activation", "reset")
        else ""
    )
    told = f'<p id="wrong" class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    form = (
        f'<p>{escape(said)}</p>{told}<form method="post" action="{_PAGE}">'
        f'<input type="hidden" name="token" value="{escape(token, quote=True)}">{field}'
        f"<button>{escape(button)}</button></form>"
    )
    return _page(title, form, 422 if wrong else 200)


def told(title: str, text: str, *, status: int = 200) -> HTMLResponse:
    """After, or when there is nothing to press."""
    return _page(title, f"<p>{escape(text)}</p>", status)


def _described(wrong: str | None) -> str:
    return ' aria-invalid="true" aria-describedby="wrong"' if wrong else ""


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A page of its own; ``body`` is markup."""
    return _page(title, body, status)


def _page(title: str, body: str, status: int) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="same-origin">'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>",
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'",
        },
    )
