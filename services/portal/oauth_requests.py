"""A token request as RFC 6749 writes it (4.4, client credentials), read strictly. Pure."""

import base64
import binascii
from typing import Final
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

import msgspec

MAX_BYTES: Final = 8192
_FORM: Final = "application/x-www-form-urlencoded"
_OURS: Final = frozenset({"grant_type", "scope", "client_id", "client_secret"})


class OAuthError(Exception):
    """An answer of RFC 6749 5.2. ``description`` is ASCII, as the RFC asks; ``basic``: the client used HTTP Basic."""

    def __init__(self, error: str, description: str, *, status: int = 400, basic: bool = False) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.basic = basic


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, with which secret, for which scopes (None: all that are held)."""

    client: UUID
    secret: str
    scope: str | None
    basic: bool


def unknown_client(basic: bool) -> OAuthError:
    """The one answer for a client that is not there, a wrong, an ended and a revoked secret."""
    return OAuthError("invalid_client", "Unknown client or wrong secret.", status=401, basic=basic)


def read(content_type: str, authorization: str, body: bytes) -> TokenRequest:
    """The request. Raises :class:`OAuthError`: what is wrong with it, in the RFC's words."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"The body must be {_FORM}.")
    given = _form(body)
    basic = _basic(authorization)
    if basic is not None and ("client_secret" in given or given.get("client_id", basic[0]) != basic[0]):
        raise OAuthError("invalid_request", "More than one way of client authentication.", basic=True)
    if "grant_type" not in given:
        raise OAuthError("invalid_request", "grant_type is missing.")
    name, secret = basic or (given.get("client_id", ""), given.get("client_secret", ""))
    if not name or not secret:
        raise unknown_client(basic is not None)
    if given["grant_type"] != "client_credentials":
        raise OAuthError("unsupported_grant_type", "Only client_credentials is supported.")
    try:
        client = UUID(name)
    except ValueError as error:
        raise unknown_client(basic is not None) from error
    return TokenRequest(client=client, secret=secret, scope=given.get("scope"), basic=basic is not None)


def _form(body: bytes) -> dict[str, str]:
    """Parameters by name; one without a value counts as left out, one given twice is refused (RFC 6749 3.2)."""
    if len(body) > MAX_BYTES:
        raise OAuthError("invalid_request", "The body is too large.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=False, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise OAuthError("invalid_request", "The body is not a form.") from error
    found = {name: value for name, value in pairs if name in _OURS}
    if len(found) < sum(name in _OURS for name, _ in pairs):
        raise OAuthError("invalid_request", "A parameter is given more than once.")
    return found


def _basic(authorization: str) -> tuple[str, str] | None:
    """Client and secret of HTTP Basic, each form-encoded (RFC 6749 2.3.1); None where the header is not there."""
    if not authorization:
        return None
    scheme, _, coded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "Only HTTP Basic is supported.", status=401, basic=True)
    try:
        name, colon, secret = base64.b64decode(coded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError) as error:
        raise unknown_client(True) from error
    if not colon:
        raise unknown_client(True)
    return unquote_plus(name), unquote_plus(secret)
