"""The bodies of session requests and answers."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.portal.account_models import EMAIL, PHRASE
from services.portal.account_passwords import MOST


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignIn(_In):
    """Address and password."""

    email: str = Field(max_length=300, examples=[EMAIL])
    password: str = Field(max_length=4 * MOST, examples=[PHRASE])


class SignedIn(BaseModel):
    """``signed_in``: the cookie holds the session. ``second_factor``: one of ``factors`` is asked for, with ``ticket``.

    ``options`` are for a passkey, where the account has one.
    """

    state: Literal["signed_in", "second_factor"]
    session: UUID | None = None
    ticket: str | None = None
    factors: list[Literal["totp", "passkey", "recovery"]] = []
    options: dict[str, Any] | None = None
    message: str = Field(default="", examples=["Donnez le code de votre application."])


class SecondIn(_In):
    """The ticket, and one of: the code of the application, a recovery code, what the passkey signed."""

    ticket: str = Field(max_length=200)
    totp: str | None = Field(default=None, max_length=12, examples=["123 456"])
    recovery: str | None = Field(default=None, max_length=60, examples=["a2bc-d3ef-gh4j-kmn5"])
    credential: dict[str, Any] | None = Field(default=None, max_length=20)


class PasskeyAsked(BaseModel):
    """``options`` for ``navigator.credentials.get``; ``ticket`` comes back with what it answers."""

    ticket: str
    options: dict[str, Any]


class PasskeySignIn(_In):
    """What the passkey signed."""

    ticket: str = Field(max_length=200)
    credential: dict[str, Any] = Field(max_length=20)


class Proof(_In):
    """The password, a code of the application or a recovery code, or both; or what a passkey signed (with its ticket
    from ``/sessions/passkey/options``), which stands for both. A code alone is no proof, but completes one."""

    password: str | None = Field(default=None, max_length=4 * MOST, examples=[PHRASE])
    totp: str | None = Field(default=None, max_length=12, examples=["123 456"])
    recovery: str | None = Field(default=None, max_length=60, examples=["a2bc-d3ef-gh4j-kmn5"])
    ticket: str | None = Field(default=None, max_length=200)
    credential: dict[str, Any] | None = Field(default=None, max_length=20)


class AccessToken(BaseModel):
    """A token for ``Authorization: Bearer``."""

    access_token: str = Field(examples=["eyJhbGciOiJFZERTQSIs…"])
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(examples=[600])


class SessionView(BaseModel):
    """A session: with what it was opened, from which network (coarse) and browser, when it was used last."""

    id: UUID
    current: bool
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    means: list[str] = Field(examples=[["password", "totp"]])
    network: str = Field(examples=["203.0.113.0/24"])
    agent: str = Field(examples=["Firefox, Linux"])


class SignedOut(BaseModel):
    """``provider_sign_out``: where the browser goes to sign out at the identity provider too, if it came from there."""

    provider_sign_out: str | None
