"""OAuth 2.0 for software: tokens by client credentials (RFC 6749 4.4), keys (RFC 7517), metadata (RFC 8414)."""

import hmac
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from invoice.rights import SCOPES
from services.common import clock, telemetry
from services.common.db import Connection
from services.portal import oauth_requests, software_domain, software_store
from services.portal.account_keys import base64url
from services.portal.oauth_requests import MAX_BYTES, OAuthError, TokenRequest, unknown_client
from services.portal.parts import Parts
from services.portal.software_domain import TOKEN_SECONDS
from services.portal.tokens import Tokens

TOKEN: Final = "/api/v1/oauth/token"
JWKS: Final = "/api/v1/oauth/jwks"
METADATA: Final = "/.well-known/oauth-authorization-server"
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
#: Compared each time, so that a client without secrets takes no less.
_NOTHING: Final = bytes(32)
_COUNT: Final = (
    "insert into token_window as w (subject, started_at, used) values ($1, $2::timestamptz, 1)"
    " on conflict (subject) do update set"
    " used = case when w.started_at + interval '1 minute' <= $2 then 1 else w.used + 1 end,"
    " started_at = case when w.started_at + interval '1 minute' <= $2 then $2 else w.started_at end"
    " returning used, ceil(extract(epoch from started_at + interval '1 minute' - $2::timestamptz))::int as left"
)


class TooMany(Exception):
    """This client took its tokens of the minute. ``left``: seconds until the next one."""

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = max(1, left)


class TokenDesk:
    """Gives tokens to software."""

    def __init__(self, parts: Parts) -> None:
        self._pool = parts.pool
        self._each_minute = parts.settings.tokens_each_minute
        self._tokens = Tokens(parts.keys, TOKEN_SECONDS)

    async def give(self, asked: TokenRequest) -> dict[str, Any]:
        """The answer of RFC 6749 5.1. Raises :class:`OAuthError` and :class:`TooMany`."""
        now = clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            secret = await self._authenticated(connection, asked, now)
            found = await software_store.one(connection, asked.client)
            assert found is not None
            await connection.execute("set local synchronous_commit = off")
            row = await connection.fetchrow(_COUNT, found.subject, now)
            assert row is not None
            too_many = row["used"] > self._each_minute
            if not too_many:
                await software_store.used(connection, found.id, secret, now)
            version = await connection.fetchval("select version from published_right where subject = $1", found.subject)
        if too_many:
            raise TooMany(row["left"])
        scopes = software_domain.granted(asked.scope, found.scopes)
        if scopes is None:
            raise OAuthError("invalid_scope", "A scope is malformed or beyond what was granted.")
        scope = " ".join(scopes)
        token = await self._tokens.access(found.subject, version, session=str(secret), kind="software", scope=scope)
        telemetry.logger().info("oauth.token", subject=found.subject, secret=str(secret))
        return {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "scope": scope}

    async def _authenticated(self, connection: Connection, asked: TokenRequest, now: datetime) -> UUID:
        """The id of the secret that was shown. Every live one is compared, and something where there is none."""
        given = software_domain.digest(asked.secret)
        live = await software_store.digests(connection, asked.client, now)
        found: UUID | None = None
        hmac.compare_digest(_NOTHING, given)
        for identity, digest in live:
            if hmac.compare_digest(digest, given):
                found = identity
        if found is None:
            raise unknown_client(asked.basic)
        return found


def _refused(error: OAuthError) -> JSONResponse:
    headers = dict(_NO_STORE)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="chorale", charset="UTF-8"'
    return JSONResponse({"error": error.error, "error_description": error.description}, error.status, headers)


def metadata(public_url: str) -> dict[str, Any]:
    """The document of RFC 8414. There is no authorization endpoint: people do not come this way."""
    return {
        "issuer": public_url,
        "token_endpoint": f"{public_url}{TOKEN}",
        "jwks_uri": f"{public_url}{JWKS}",
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "service_documentation": f"{public_url}/docs/portal",
        "ui_locales_supported": ["fr"],
    }


async def _body(request: Request) -> bytes:
    """The body, no more than a token request can be."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > MAX_BYTES:
            raise OAuthError("invalid_request", "The body is too large.")
    return bytes(found)


_FORM: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "scope": {"type": "string"},
                        "client_id": {"type": "string"},
                        "client_secret": {"type": "string"},
                    },
                }
            }
        },
    }
}


def add_routes(app: FastAPI, parts: Parts) -> None:
    """Serve tokens, keys and metadata on ``app``."""
    router = APIRouter(tags=["oauth"])
    desk = TokenDesk(parts)
    refused: dict[int | str, dict[str, Any]] = {
        400: {"description": "Demande refusée (RFC 6749, 5.2)"},
        401: {"description": "Client inconnu ou secret faux"},
        429: {"description": "Trop de jetons dans la minute"},
    }

    @router.post(TOKEN, summary="Un jeton pour un logiciel", responses=refused, openapi_extra=_FORM)
    async def token(request: Request) -> JSONResponse:
        try:
            asked = oauth_requests.read(
                request.headers.get("content-type", ""),
                request.headers.get("authorization", ""),
                await _body(request),
            )
            return JSONResponse(await desk.give(asked), headers=_NO_STORE)
        except OAuthError as error:
            return _refused(error)
        except TooMany as error:
            said = {"error": "temporarily_unavailable", "error_description": "Too many tokens: use the one you have."}
            return JSONResponse(said, 429, {**_NO_STORE, "Retry-After": str(error.left)})

    @router.get(JWKS, summary="Les clés publiques des jetons (RFC 7517, RFC 8037)")
    async def jwks() -> JSONResponse:
        keys = [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": key.kid,
                "x": base64url(key.public_key),
            }
            for key in await parts.keys.public(clock.now())
        ]
        return JSONResponse({"keys": keys}, headers={"Cache-Control": "public, max-age=30"})

    @router.get(METADATA, summary="Ce que sait faire ce serveur d'autorisation (RFC 8414)")
    async def described() -> JSONResponse:
        return JSONResponse(metadata(parts.settings.public_url), headers={"Cache-Control": "public, max-age=3600"})

    app.include_router(router)
