"""Sign-in through an outside OpenID Connect provider, ProConnect-shaped: authorization code with PKCE (S256), state and
nonce, discovery, the ID token's signature and claims, userinfo (JSON or signed), sign-out at the provider.

The provider's address is a setting; nothing that a caller or a token says is ever called, but what the provider's own
discovery document names, over the issuer's own scheme.
"""

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import httpx
import jwt
import msgspec
from cryptography.fernet import InvalidToken

from services.common import telemetry
from services.common.db import Pool
from services.common.tls import trusted
from services.common.web import Problem
from services.portal.account_keys import base64url, wrapper
from services.portal.settings import PortalSettings

CALLBACK: Final = "/api/v1/accounts/sessions/provider/callback"
#: What may sign, each with the hash that `at_hash` is made by. Never a shared secret, never none.
_ALGORITHMS: Final = {f"{family}{bits}": f"sha{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)} | {
    "EdDSA": "sha512"
}
_KEEP_SECONDS: Final = 3600.0
LEEWAY: Final = 30
_LARGEST: Final = 1_000_000


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of ``/.well-known/openid-configuration``."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that has left for the provider: where the browser goes, and what is compared when it is back."""

    url: str
    state: str
    nonce: str
    verifier: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who the provider says somebody is. ``email`` None: it states none. ``authenticated_at``: when he last showed it
    there who he is, in seconds since 1970; None: not stated."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str
    siret: str | None
    authenticated_at: float | None
    id_token: str


class Provider:
    """One provider."""

    def __init__(self, settings: PortalSettings) -> None:
        self._settings = settings
        self.label = settings.oidc_label
        self._redirect = f"{settings.public_url}{CALLBACK}"
        self._wrap = wrapper(settings.secret, "provider tokens")
        self._known: tuple[float, Discovery, jwt.PyJWKSet] | None = None

    async def begin(self, *, anew: bool = False) -> Begun:
        """Send a browser there; ``anew``: he is to show who he is although he is signed in there. Raises a 503 problem
        while the provider is away."""
        found, _ = await self._discovered()
        begun = {"state": secrets.token_urlsafe(32), "nonce": secrets.token_urlsafe(32)}
        verifier = secrets.token_urlsafe(64)
        asked = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self._redirect,
            "scope": self._settings.oidc_scope,
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            **begun,
        }
        if self._settings.oidc_acr:
            asked["acr_values"] = self._settings.oidc_acr
        if anew:  # with `max_age` the provider has to state `auth_time` (3.1.2.1)
            asked |= {"prompt": "login", "max_age": "0"}
        separator = "&" if urlsplit(found.authorization_endpoint).query else "?"
        return Begun(url=f"{found.authorization_endpoint}{separator}{urlencode(asked)}", verifier=verifier, **begun)

    async def finish(self, code: str, verifier: str, nonce: str) -> Identity:
        """Who came back with this code. Raises a 401 problem for what does not hold, 503 while the provider is away."""
        found, _ = await self._discovered()
        tokens = await self._exchange(found, code, verifier)
        id_token = str(tokens.get("id_token", ""))
        claims = await self._claims(id_token, tokens, nonce)
        more = await self._userinfo(found, str(tokens.get("access_token", "")), str(claims["sub"]))
        said = {**more, **{name: value for name, value in claims.items() if value is not None}}
        email = said.get("email")
        names = (said.get("given_name"), said.get("usual_name") or said.get("family_name"))
        return Identity(
            issuer=found.issuer,
            subject=str(claims["sub"]),
            email=email if isinstance(email, str) else None,
            email_verified=said.get("email_verified") is True or self._settings.oidc_email_trusted,
            name=str(said.get("name") or " ".join(str(part) for part in names if part))[:200],
            siret=said["siret"] if isinstance(said.get("siret"), str) else None,
            authenticated_at=claims["auth_time"] if isinstance(claims.get("auth_time"), int | float) else None,
            id_token=id_token,
        )

    def keep(self, id_token: str) -> bytes:
        """The ID token as it is kept with the session, for sign-out."""
        return self._wrap.encrypt(id_token.encode())

    async def sign_out(self, pool: Pool, session: UUID) -> str | None:
        """Where the browser signs out at the provider too; None for a session that did not come from there."""
        kept = await pool.fetchval("select provider_token from session where id = $1 and revoked_at is null", session)
        if kept is None:
            return None
        try:
            found, _ = await self._discovered()
            hint = self._wrap.decrypt(kept).decode()
        except (Problem, InvalidToken):
            return None
        if found.end_session_endpoint is None:
            return None
        asked = {
            "id_token_hint": hint,
            "post_logout_redirect_uri": f"{self._settings.public_url}/",
            "state": secrets.token_urlsafe(16),
        }
        separator = "&" if urlsplit(found.end_session_endpoint).query else "?"
        return f"{found.end_session_endpoint}{separator}{urlencode(asked)}"

    async def _discovered(self, *, anew: bool = False) -> tuple[Discovery, jwt.PyJWKSet]:
        if self._known is not None and not anew and time.monotonic() < self._known[0]:
            return self._known[1], self._known[2]
        issuer = self._settings.oidc_issuer
        where = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = msgspec.convert(await self._get(where), Discovery)
            self._same_scheme(found)
            keys = jwt.PyJWKSet.from_dict(await self._get(found.jwks_uri))
        except (httpx.HTTPError, msgspec.ValidationError, ValueError, jwt.PyJWTError) as error:
            telemetry.logger().warning("provider.away", error=type(error).__name__)
            raise _away(self.label) from error
        if found.issuer != issuer:
            telemetry.logger().error("provider.other_issuer")
            raise _away(self.label)
        self._known = (time.monotonic() + _KEEP_SECONDS, found, keys)
        return found, keys

    def _same_scheme(self, found: Discovery) -> None:
        scheme = urlsplit(self._settings.oidc_issuer).scheme
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint):
            if url is not None and urlsplit(url).scheme != scheme:
                raise ValueError("an endpoint of another scheme than the issuer's")

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        async with self._client() as client:
            answer = await client.get(url, headers=headers)
            answer.raise_for_status()
            if len(answer.content) > _LARGEST:
                raise ValueError("too large")
            return answer.json()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=self._settings.oidc_seconds, follow_redirects=False, verify=trusted())

    async def _exchange(self, found: Discovery, code: str, verifier: str) -> dict[str, Any]:
        secret = self._settings.oidc_client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "code_verifier": verifier,
            "client_id": self._settings.oidc_client_id,
            **({"client_secret": secret.get_secret_value()} if secret is not None else {}),
        }
        try:
            async with self._client() as client:
                answer = await client.post(found.token_endpoint, data=form, headers={"Accept": "application/json"})
            given = answer.json() if answer.is_success else None
        except (httpx.HTTPError, ValueError) as error:
            raise _away(self.label) from error
        if not isinstance(given, dict):
            telemetry.logger().warning("provider.refused_code", status=answer.status_code)
            raise refused(self.label)
        return given

    async def _claims(self, id_token: str, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The ID token's claims (OpenID Connect Core 3.1.3.7)."""
        try:
            claims, algorithm = await self._verified(id_token)
        except (jwt.PyJWTError, TypeError) as error:  # TypeError: a key of another kind than the algorithm's
            telemetry.logger().warning("provider.bad_token", error=type(error).__name__)
            raise refused(self.label) from error
        audience, party = claims["aud"], claims.get("azp")
        several = isinstance(audience, list) and len(audience) > 1
        wrong = (
            not secrets.compare_digest(str(claims.get("nonce", "")).encode("utf-8", "replace"), nonce.encode())
            or (several and party is None)
            or (party is not None and party != self._settings.oidc_client_id)
            or not _right_hash(claims.get("at_hash"), str(tokens.get("access_token", "")), algorithm)
            or (self._settings.oidc_acr and claims.get("acr") not in self._settings.oidc_acr.split())
        )
        if wrong:
            telemetry.logger().warning("provider.bad_claims")
            raise refused(self.label)
        return claims

    async def _verified(
        self, token: str, require: Sequence[str] = ("iss", "sub", "aud", "exp", "iat")
    ) -> tuple[dict[str, Any], str]:
        """The claims and the algorithm: signature, issuer, audience, times. An unknown key is looked for once more."""
        header = jwt.get_unverified_header(token)
        found, keys = await self._discovered()
        match = _key(keys, header.get("kid"))
        if match is None:
            found, keys = await self._discovered(anew=True)
            match = _key(keys, header.get("kid"))
        algorithm = str(header.get("alg"))
        if match is None or algorithm not in _ALGORITHMS:
            raise jwt.InvalidKeyError("no such key")
        claims: dict[str, Any] = jwt.decode(
            token,
            match.key,
            algorithms=[algorithm],
            audience=self._settings.oidc_client_id,
            issuer=found.issuer,
            leeway=LEEWAY,
            options={"require": list(require)},
        )
        return claims, algorithm

    async def _userinfo(self, found: Discovery, access_token: str, subject: str) -> dict[str, Any]:
        """More claims: JSON, or a JWT as ProConnect gives. Those of another subject are nobody's."""
        if found.userinfo_endpoint is None or not access_token:
            return {}
        try:
            async with self._client() as client:
                answer = await client.get(found.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"})
            answer.raise_for_status()
            if answer.headers.get("content-type", "").startswith("application/jwt"):
                more, _ = await self._verified(answer.text, ("iss", "aud"))
            else:
                more = answer.json()
        except (httpx.HTTPError, ValueError, jwt.PyJWTError) as error:
            raise _away(self.label) from error
        if not isinstance(more, dict) or more.get("sub") != subject:
            raise refused(self.label)
        return more


def _key(keys: jwt.PyJWKSet, kid: object) -> jwt.PyJWK | None:
    usable = [key for key in keys.keys if key.public_key_use in (None, "sig")]
    if kid is None:
        return usable[0] if len(usable) == 1 else None
    return next((key for key in usable if key.key_id == kid), None)


def _right_hash(at_hash: object, access_token: str, algorithm: str) -> bool:
    """Whether the access token is that of the ID token (3.1.3.6): the left half of its hash."""
    if at_hash is None:
        return True
    whole = hashlib.new(_ALGORITHMS[algorithm], access_token.encode()).digest()
    return str(at_hash) == base64url(whole[: len(whole) // 2])


def refused(label: str) -> Problem:
    """What came back does not hold: one answer, whatever it was."""
    return Problem(
        401,
        "PROVIDER_REFUSED",
        f"Connexion par {label} refusée",
        f"La réponse de {label} ne convient pas, ou cette connexion a déjà servi : recommencez depuis le début.",
    )


def _away(label: str) -> Problem:
    return Problem(
        503,
        "PROVIDER_AWAY",
        f"{label} ne répond pas",
        f"{label} ne répond pas : recommencez dans quelques minutes, ou connectez-vous autrement.",
        headers={"Retry-After": "60"},
    )
