"""Development tokens: nobody is anonymous, nothing is forged."""

import time

import jwt
import msgspec
import pytest

from services.common.auth import Principal, mint, verify

SECRET = "a-secret-for-tests-of-more-than-32-characters"
SOMEONE = Principal(
    subject="someone", structures=("10000000900015",), roles=("FOURNISSEUR",), contact="someone@supplier.example"
)


def test_a_minted_token_gives_the_same_principal_back() -> None:
    before = int(time.time())
    found = verify(SECRET, mint(SECRET, SOMEONE, ttl_seconds=90))
    assert found.expires is not None
    assert before + 90 <= found.expires <= time.time() + 90
    assert msgspec.structs.replace(found, expires=None) == SOMEONE


@pytest.mark.parametrize("change", ["expired", "other_secret", "no_algorithm", "no_subject", "comma", "audience"])
def test_a_forged_or_stale_token_is_refused(change: str) -> None:
    now = int(time.time())
    claims = {"sub": "someone", "aud": "chorale", "exp": now + 60, "structures": ["10000000900015"]}
    secret, algorithm = SECRET, "HS256"
    if change == "expired":
        claims["exp"] = now - 1
    elif change == "other_secret":
        secret = SECRET[::-1]
    elif change == "no_algorithm":
        secret, algorithm = "", "none"
    elif change == "no_subject":
        claims["sub"] = ""
    elif change == "comma":
        claims["structures"] = ["10000000900015,20000000800026"]
    else:
        claims["aud"] = "elsewhere"
    token = jwt.encode(claims, secret, algorithm=algorithm)
    with pytest.raises(jwt.InvalidTokenError):
        verify(SECRET, token)


def test_the_scope_joins_lists_for_row_level_security() -> None:
    scope = Principal(subject="s", structures=("1", "2")).scope()
    assert scope["structures"] == "1,2"
    assert scope["tenants"] == ""
