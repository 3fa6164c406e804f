"""Paco's second factor, for the pages about one. Whatever renews the secret of his session is taken back at once: every
browser that has it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyotp

from tests.browser import later
from tests.browser.visit import Visit
from tests.browser.world import Platform
from tests.integration.account_world import PASSWORD

PAGE = "/compte/securite"
_WHO = "paco"
_TOTP = "/api/v1/accounts/me/totp"


@contextmanager
def _as_before(platform: Platform) -> Iterator[None]:
    who = later.subject(platform, _WHO)
    sessions = later.run(platform, "portal", "select id, digest from session where subject = $1", who)
    yield
    for each in sessions:
        later.run(platform, "portal", "update session set digest = $2 where id = $1", each["id"], each["digest"])


def held(platform: Platform) -> str:
    """The page of his factors, once he has one-time passwords, and has shown lately who he is."""
    cookie = {"Cookie": f"chorale={platform.cookie(_WHO)['value']}", "Sec-Fetch-Site": "same-origin"}
    later.proofs_are_fresh(platform, _WHO)
    if "factor" not in platform.made:
        with _as_before(platform):
            asked = platform.http.post(f"{platform.url}{_TOTP}", headers=cookie).raise_for_status().json()
            code = {"code": pyotp.TOTP(asked["secret"]).now()}
            answer = platform.http.post(f"{platform.url}{_TOTP}/confirmation", json=code, headers=cookie)
            answer.raise_for_status()
        platform.made["factor"] = "totp"
    return PAGE


def signing_in(platform: Platform) -> str:
    """Where he signs in, which takes a second step."""
    return held(platform) and "/connexion"


def signs_in(platform: Platform, seen: Visit) -> None:
    """Take the first step."""
    seen.fill(email=platform.account(_WHO), password=PASSWORD)
    seen.press("Se connecter")


def renews_codes(platform: Platform, seen: Visit) -> None:
    """Ask for new recovery codes: they are shown this once."""
    with _as_before(platform), seen.page.expect_navigation():
        seen.press("Faire de nouveaux codes")
    seen.context.add_cookies([platform.cookie(_WHO)])  # type: ignore[list-item]


def without(platform: Platform) -> str:
    """The page of Wilma's factors, who has none and has shown lately who she is."""
    platform.cookie("wilma")
    later.proofs_are_fresh(platform, "wilma")
    return PAGE


def begins(platform: Platform, seen: Visit) -> None:
    """Begin with one-time passwords: nothing holds before a first one is given."""
    seen.press("Mettre en place")
