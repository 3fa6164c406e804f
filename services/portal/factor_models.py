"""What requests for second factors take and answer."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.portal.account_models import Line


class PasskeyView(BaseModel):
    """A passkey. ``synced``: kept by the maker of the device on several."""

    id: str
    name: str
    synced: bool
    made_at: datetime
    last_used_at: datetime | None


class FactorsView(BaseModel):
    """What is asked for after the password, and what opens the account without one."""

    totp: bool
    passkeys: list[PasskeyView]
    recovery_codes_left: int


class TotpView(BaseModel):
    """The secret for an application of one-time passwords, shown once; ``uri`` is what its camera reads."""

    secret: str = Field(examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    uri: str = Field(examples=["otpauth://totp/Chorale:claire%40menuiserie.example?secret=…&issuer=Chorale"])


class CodeIn(BaseModel):
    """A code of the application."""

    model_config = ConfigDict(extra="forbid")
    code: str = Field(min_length=6, max_length=12, examples=["123 456"])


class CodesView(BaseModel):
    """Recovery codes, shown once: each opens the account one time when the telephone is lost."""

    recovery_codes: list[str] = Field(examples=[["a2bc-d3ef-gh4j-kmn5"]])


class PasskeyOptions(BaseModel):
    """``options`` for ``navigator.credentials``; ``ticket`` comes back with what it answers."""

    ticket: str
    options: dict[str, Any]


class PasskeyIn(BaseModel):
    """What the browser made."""

    model_config = ConfigDict(extra="forbid")
    ticket: str = Field(max_length=200)
    credential: dict[str, Any] = Field(max_length=20)
    name: Line = Field(default="Clé d'accès", min_length=1, max_length=80, examples=["Téléphone"])


class Added(BaseModel):
    """The passkey, and recovery codes where it is the first second factor."""

    passkey: str
    recovery_codes: list[str] | None
