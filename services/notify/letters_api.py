"""Letters and contact addresses that portal asks for, for no one else.

A letter is one message, by the id that portal gives it: asked for again, it is the same. It leaves at once, alone, and
cannot be switched off; the link that it shows is kept until a relay has taken it.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from services.common.auth import CurrentPrincipal, require_role
from services.common.db import Connection, Pool
from services.common.deliver import transaction
from services.common.problems import problems
from services.common.web import Problem
from services.notify import people, person_part, writing
from services.notify.domain import Facts, Language, Message, clean_address
from services.notify.gathering import Place
from services.notify.letters import names_in
from services.notify.matrix import RULES, Rule

SERVICE = "SERVICE"
_LINK = "link"
Subject = Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9:._-]+$", examples=["person:6f0c…"])


class LetterIn(BaseModel):
    """A letter to somebody. ``values`` are the words that its kind needs; ``link`` among them opens something.

    ``subject`` is the account it is about. It goes to ``address``, or with ``contact`` where the account wants its
    messages, as soon as notify knows.
    """

    id: UUID = Field(examples=["0190e8a0-0000-7000-8000-000000000042"])
    kind: str = Field(max_length=60, examples=["ACCOUNT_ACTIVATION"])
    address: str = Field(max_length=300, examples=["claire@menuiserie.example"])
    subject: str | None = Field(default=None, max_length=100)
    contact: bool = False
    language: Language = "fr"
    values: dict[str, str] = Field(
        default_factory=dict,
        max_length=20,
        examples=[{"link": "https://factures.example/lien?token=…", "until": "24/11 à 09:30"}],
    )


class LetterView(BaseModel):
    """The letter as it was written; ``written`` is false where it had been already."""

    id: UUID
    written: bool


class ContactPut(BaseModel):
    """The address that an account signs in with."""

    address: str = Field(max_length=300, examples=["claire@menuiserie.example"])
    language: Language = "fr"


def add_letters(router: APIRouter, pool: Pool, mail_domain: str) -> None:
    """Serve what portal asks, on ``router``; ``pool`` is the owner's: no person asks here."""
    _add_letter(router, pool, mail_domain)
    _add_contacts(router, pool)


def _add_letter(router: APIRouter, pool: Pool, mail_domain: str) -> None:
    @router.post(
        "/letters",
        status_code=202,
        summary="Écrit un courrier de compte (portail seulement)",
        responses=problems(401, 403, 422, 503),
    )
    async def write_letter(given: LetterIn, principal: CurrentPrincipal) -> LetterView:
        require_role(principal, SERVICE)
        rule = _rule(given)
        address = _address(given.address)
        async with transaction(pool, "notify") as tx:
            if given.contact and given.subject is not None:
                contacts = await people.contacts_of(tx.conn, [given.subject])
                address = contacts.get(given.subject, address)
            made = _message(given, rule, address, tx.now)
            new = await writing.write(tx.conn, [(made, Place(None, tx.now))], mail_domain, tx.now)
        return LetterView(id=given.id, written=bool(new))


def _add_contacts(router: APIRouter, pool: Pool) -> None:
    @router.put(
        "/contacts/{subject}",
        status_code=204,
        summary="Dit où vont les messages d'un compte (portail seulement)",
        responses=problems(401, 403, 422, 503),
    )
    async def put_contact(given: ContactPut, principal: CurrentPrincipal, subject: str = Subject) -> None:
        require_role(principal, SERVICE)
        address = _address(given.address)
        async with transaction(pool, "notify", keys=[f"contact/{subject}"]) as tx:
            await tx.conn.execute(
                "insert into contact (subject, login, login_at) values ($1, $2, $3)"
                " on conflict (subject) do update set login = $2, login_at = $3",
                subject,
                address,
                tx.now,
            )
            await tx.conn.execute(
                "insert into person (address, language) values ($1, $2) on conflict (address) do nothing",
                address,
                given.language,
            )

    @router.delete(
        "/contacts/{subject}",
        status_code=204,
        summary="Oublie un compte qui est clos (portail seulement)",
        responses=problems(401, 403, 422, 503),
    )
    async def delete_contact(principal: CurrentPrincipal, subject: str = Subject) -> None:
        require_role(principal, SERVICE)
        async with transaction(pool, "notify", keys=[f"contact/{subject}"]) as tx:
            await _forget(tx.conn, subject)


async def _forget(connection: Connection, subject: str) -> None:
    """The address, its choices unless others use it too, and where letters to the account went.

    The erasure will look for mails by that address: it is kept for it alone.

    The letter that says so is on its way to that address: what a relay has not taken yet keeps it.
    """
    row = await connection.fetchrow("delete from contact where subject = $1 returning address, login", subject)
    gone = [one for one in (row["address"], row["login"]) if one] if row else []
    await connection.execute(
        "insert into former_contact (subject, address) select $1, unnest($2::text[]) on conflict do nothing",
        subject,
        gone,
    )
    await connection.execute(
        "delete from person p where address = any($1) and not exists (select from manager where email = p.address)"
        " and not exists (select from correspondent where email = p.address)"
        " and not exists (select from contact c where p.address in (c.address, c.login))",
        gone,
    )
    await connection.execute(
        "update message set address = $2, data = data - 'values' - 'link' where subject = $1 and audience = 'person'"
        " and state in ('accepted', 'permanent', 'technical') and address <> $2",
        subject,
        person_part.NOBODY,
    )


def _rule(given: LetterIn) -> Rule:
    found = next((rule for rule in RULES.get(given.kind, ()) if rule.account), None)
    if found is None:
        raise _refused("kind", given.kind, "KIND_UNKNOWN", "Cette sorte de courrier n'existe pas.")
    missing = names_in(given.kind, found.audience) - _OURS - set(given.values)
    if missing:
        raise _refused("values", ", ".join(sorted(missing)), "VALUES_MISSING", "Des mots manquent à ce courrier.")
    return found


#: Values that every letter has.
_OURS = frozenset({"day"})


def _message(given: LetterIn, rule: Rule, address: str, at: datetime) -> Message:
    said: Mapping[str, str] = {name: value for name, value in given.values.items() if name != _LINK}
    return Message(
        id=given.id,
        subject=given.subject or str(given.id),
        kind=rule.kind,
        audience=rule.audience,
        address=address,
        facts=Facts(at=at, link=given.values.get(_LINK), about=said.get("about"), values=said),
        cause=given.id,
        language=given.language,
    )


def _address(text: str) -> str:
    found = clean_address(text)
    if found is None:
        raise _refused("address", text[:80], "EMAIL_FORM", "Ce n'est pas une adresse électronique.")
    return found


def _refused(field: str, value: str, rule: str, message: str) -> Problem:
    error = {"field": field, "value": value[:100], "rule": rule, "message": message, "action": "Corrigez la demande."}
    return Problem(422, "LETTER_INVALID", "Courrier refusé", message, errors=[error])
