"""The bodies of account requests and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from invoice.directory import IdentifierType
from services.common.web import Problem
from services.portal import emails
from services.portal.account_passwords import MOST

EMAIL = "claire@menuiserie.example"
PHRASE = "quatre chats verts dansent"


#: Words on one line.
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IdentifierIn(_In):
    """Who the structure is, by one of the seven types."""

    type: IdentifierType = Field(default="SIRET", examples=["SIRET"])
    value: Line = Field(min_length=1, max_length=100, examples=["99900001100018"])


class ProofIn(_In):
    """The paper that shows it, where the type asks for one: its kind and what is asked of it."""

    kind: Line = Field(max_length=40, examples=["FOREIGN_REGISTER"])
    reference: Line = Field(min_length=1, max_length=200, examples=["HRB 12345"])


class PostalIn(_In):
    """A postal address. What is left out is filled in from INSEE's file where the platform has it."""

    street: Line | None = Field(default=None, max_length=200, examples=["4 rue du Port"])
    complement: Line | None = Field(default=None, max_length=200)
    postal_code: Line | None = Field(default=None, max_length=20, examples=["06300"])
    town: Line | None = Field(default=None, max_length=100, examples=["Nice"])
    country: str = Field(default="FR", pattern=r"^[A-Z]{2}$", examples=["FR"])


class SignUpIn(_In):
    """A new account. ``structure_name`` and ``address`` are those of the structure."""

    email: str = Field(max_length=300, examples=[EMAIL])
    name: Line = Field(min_length=1, max_length=200, examples=["Claire Martin"])
    language: Literal["fr", "en"] = "fr"
    identifier: IdentifierIn
    structure_name: Line = Field(default="", max_length=200, examples=["Menuiserie Martin"])
    address: PostalIn = Field(default_factory=PostalIn)
    proof: ProofIn | None = None


class Taken(BaseModel):
    """The request is taken; what came of it is said by mail, to whoever reads at the address, and nowhere else."""

    message: str = Field(
        examples=["Si cette adresse peut recevoir du courrier, un message vient de lui être envoyé avec la suite."]
    )


class EmailIn(_In):
    """An address."""

    email: str = Field(max_length=300, examples=[EMAIL])


class LinkIn(_In):
    """The word of a link, and the password where the link asks for one."""

    token: str = Field(min_length=1, max_length=200, examples=["Zk9…"])
    password: str | None = Field(default=None, max_length=4 * MOST, examples=[PHRASE])


class LinkView(BaseModel):
    """What a link did. ``done`` false: the other address has yet to confirm. ``signed_in``: a session was opened."""

    purpose: Literal["activation", "reset", "email_old", "email_new", "provider", "reopen"]
    done: bool
    signed_in: bool = False
    message: str


class PasswordIn(_In):
    """A password to set."""

    password: str = Field(max_length=4 * MOST, examples=[PHRASE])


class StrengthIn(PasswordIn):
    """A password to judge; nothing of it is kept. ``own``: words of its owner, such as his address and name."""

    own: list[Annotated[str, Field(max_length=300)]] = Field(default_factory=list, max_length=5, examples=[[EMAIL]])


class StrengthView(BaseModel):
    """What is thought of a password: ``score`` from 0 to 4; ``refusal`` the rule that refuses it."""

    strength: Literal["refused", "fair", "good", "strong"]
    score: int = Field(ge=0, le=4, examples=[4])
    refusal: str | None = Field(examples=[None])
    message: str = Field(examples=["Très bon mot de passe."])


class AskedProof(BaseModel):
    """What is asked for a type of identifier."""

    type: IdentifierType
    label: str = Field(examples=["SIRET"])
    proof_asked: bool = Field(description="Un justificatif est demandé dès l'inscription")
    proofs: dict[str, str] = Field(examples=[{"KBIS": "Extrait Kbis"}])


class MeView(BaseModel):
    """One's own account. ``proof_asked``: the paper that is still to be handed in for the structure, if any."""

    subject: str = Field(examples=["person:6f0c2a9e-0000-4000-8000-000000000042"])
    email: str = Field(examples=[EMAIL])
    name: str
    language: Literal["fr", "en"]
    created_at: datetime
    session: UUID
    has_password: bool
    second_factors: list[Literal["totp", "passkey"]]
    providers: list[str]
    proof_asked: str | None


class MePatch(_In):
    """Another name, another language."""

    name: Line | None = Field(default=None, min_length=1, max_length=200)
    language: Literal["fr", "en"] | None = None


class ClosingIn(_In):
    """``confirm`` is the word FERMER, so that nobody closes an account by chance."""

    confirm: Literal["FERMER"]


class ClosingView(BaseModel):
    """When the data go, and that a letter says how to come back until then."""

    erased_at: datetime
    message: str


def error(field: str, value: str | None, rule: str, message: str, action: str) -> dict[str, Any]:
    """One entry of a problem."""
    shown = None if value is None else value[:100]
    return {"field": field, "value": shown, "rule": rule, "message": message, "action": action}


def address(text: str, field: str = "email") -> str:
    """The address as it is written to. Raises a 422 problem."""
    found = emails.clean(text)
    if found is None:
        said = "Ce n'est pas une adresse électronique."
        entry = error(field, text, "EMAIL_FORM", said, "Écrivez-la sous la forme nom@domaine.fr.")
        raise Problem(422, "EMAIL_FORM", "Adresse refusée", said, errors=[entry])
    return found
