"""Access tokens: nothing that the portal has not signed counts, whatever it says of itself."""

import asyncio
import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from services.common import tokens
from services.common.access import Development
from services.common.principal import Principal
from services.common.tokens import Refused
from tests.accounts import Signer

SIGNER = Signer()
KEY = SIGNER.key()
SUBJECT = "0190e8a0-0000-7000-8000-0000000000a1"


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def with_header(token: str, **changed: Any) -> str:
    """The same token with another header, which breaks its signature."""
    header = {**jwt.get_unverified_header(token), **changed}
    return ".".join((b64(json.dumps(header).encode()), *token.split(".")[1:]))


def read(token: str) -> tokens.Claims:
    """As a service reads it."""
    kid = tokens.kid_of(token)
    assert kid == KEY.kid
    return tokens.verified(token, KEY)


def test_a_token_of_the_portal_says_who_and_since_when_and_nothing_of_rights() -> None:
    claims = read(SIGNER.token(SUBJECT, ver=7, roles=["OPERATEUR"], structures=["1"]))
    assert (claims.sub, claims.sid, claims.ver) == (SUBJECT, f"session of {SUBJECT}", 7)
    assert not hasattr(claims, "roles")
    assert claims.exp - claims.iat == 600


NOW = int(time.time())
ODD: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - 1},
    "no end": {"exp": None},
    "an end that is text": {"exp": "soon"},
    "an end that is no number": {"exp": True},
    "an end beyond every calendar": {"exp": float("inf")},
    "an end that nothing compares to": {"exp": float("nan")},
    "a year long": {"exp": NOW + 365 * 86_400},
    "made tomorrow": {"iat": NOW + 86_400, "exp": NOW + 86_500},
    "not made at all": {"iat": None},
    "not valid yet": {"nbf": NOW + 600},
    "for somebody else": {"aud": "elsewhere"},
    "for everybody": {"aud": ["chorale", "elsewhere"]},
    "for nobody": {"aud": None},
    "of another issuer": {"iss": "https://chorale.example"},
    "of no issuer": {"iss": None},
    "without a subject": {"sub": None},
    "with an empty subject": {"sub": ""},
    "with two subjects": {"sub": "a,b"},
    "with a subject that is no text": {"sub": 7},
    "with a subject of two lines": {"sub": "a\nb"},
    "with a long subject": {"sub": "a" * 300},
    "without a version": {"ver": None},
    "with a version that is text": {"ver": "7"},
    "with a session that is a list": {"sid": ["x"]},
    "with scopes that are a list": {"scope": ["invoices.read"]},
}


@pytest.mark.parametrize("case", ODD)
def test_a_token_with_odd_claims_is_refused_though_its_signature_is_right(case: str) -> None:
    changed = dict(ODD[case])
    subject = changed.pop("sub", SUBJECT)
    token = SIGNER.token(SUBJECT, **{"sub": subject, **changed})
    with pytest.raises(Refused):
        read(token)


def test_a_signature_of_another_key_under_our_keys_name_is_refused() -> None:
    forger = Signer()
    forger.kid = KEY.kid
    with pytest.raises(Refused, match="InvalidSignatureError"):
        read(forger.token(SUBJECT))


def test_a_token_without_a_signature_is_refused_by_what_it_says_and_by_what_it_lacks() -> None:
    token = SIGNER.token(SUBJECT)
    for algorithm in ("none", "None", "NONE", "", "RS256", "ES256", "HS384", "HS512", "EdDSA "):
        with pytest.raises(Refused):
            tokens.kid_of(with_header(token, alg=algorithm))
    with pytest.raises(Refused):
        read(token.rpartition(".")[0] + ".")


@pytest.mark.parametrize("form", ["raw", "pem", "der", "published"])
async def test_the_public_key_is_no_secret_for_a_development_token(form: str) -> None:
    public = SIGNER.private.public_key()
    secret = {
        "raw": SIGNER.raw,
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "published": SIGNER.entry().public_key.encode(),
    }[form]
    claims = json.dumps({"sub": SUBJECT, "aud": "chorale", "iss": "chorale", "exp": NOW + 600, "iat": NOW, "ver": 1})
    # PyJWT itself declines to sign with a PEM: an attacker would not ask it.
    head = f"{b64(json.dumps({'alg': 'HS256', 'typ': 'JWT', 'kid': KEY.kid}).encode())}.{b64(claims.encode())}"
    forged = (
        f"{head}.{b64(jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head.encode(), secret))}"
    )
    assert tokens.kid_of(forged) is None  # it says that it is a development token
    with pytest.raises(Refused):
        await Development("the secret of this environment, which is long").principal(forged)
    with pytest.raises(Refused):
        tokens.verified(forged, KEY)


def test_a_header_that_asks_for_something_we_do_not_know_is_refused() -> None:
    token = SIGNER.token(SUBJECT)
    for changed in ({"crit": ["exp"]}, {"b64": False}, {"kid": None}, {"kid": 7}, {"kid": ["x"]}):
        with pytest.raises(Refused):
            tokens.kid_of(with_header(token, **changed))


def test_a_huge_token_is_refused_before_it_is_read() -> None:
    with pytest.raises(Refused, match="length"):
        tokens.kid_of(SIGNER.token(SUBJECT, padding="x" * tokens.MAX_LENGTH))
    deep = b64(b'{"alg":' + b"[" * 12_000)
    with pytest.raises(Refused):
        tokens.kid_of(f"{deep}.e30.x")


def test_a_token_of_a_key_that_is_over_is_refused() -> None:
    over = SIGNER.key(until=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(Refused, match="key"):
        tokens.verified(SIGNER.token(SUBJECT), over)
    ending = SIGNER.key(until=datetime.now(UTC) + timedelta(seconds=60))
    assert tokens.verified(SIGNER.token(SUBJECT), ending).sub == SUBJECT


def test_a_published_key_that_is_none_is_left_out() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    assert tokens.key("k", SIGNER.entry().public_key, since, None) is not None
    for wrong in ("", "AAAA", "é", "*" * 43, SIGNER.entry().public_key + "AAAA"):
        assert tokens.key("k", wrong, since, None) is None


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    token = SIGNER.token(SUBJECT)
    place = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ é\x00"))
    changed = token[:place] + char + token[place + 1 :]
    try:
        kid = tokens.kid_of(changed)
        claims = tokens.verified(changed, KEY)
    except Refused:
        return
    # The last characters of base64 hold bits that mean nothing: the same bytes are the same token.
    assert (kid, claims) == (KEY.kid, read(token))
    assert base64.urlsafe_b64decode(changed.split(".")[2] + "==") == base64.urlsafe_b64decode(
        token.split(".")[2] + "=="
    )


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: f"{b64(raw)}.{b64(raw)}.{b64(raw)}"))
def test_what_is_no_token_is_refused_and_nothing_worse(text: str) -> None:
    with pytest.raises(Refused):
        tokens.kid_of(text)


async def test_a_development_token_ends_though_it_was_seen_before() -> None:
    secret = "the secret of this environment, which is long"
    access = Development(secret)
    token = tokens.mint(secret, Principal(subject="s"), ttl_seconds=1)
    first = await access.principal(token)
    assert await access.principal(token) is first
    assert await access.still(first) is first
    assert first.expires is not None
    await asyncio.sleep(max(0.0, first.expires - time.time()) + 0.01)
    assert await access.still(first) is None
    with pytest.raises(Refused):
        await access.principal(token)
