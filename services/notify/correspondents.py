"""Whose addresses an event's audiences are: a supplier's, validators', managers', project managers', works clients'."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import msgspec

from contracts.events import InvoiceSubmitted, StatusChanged
from invoice.identifiers import normalise_code
from services.common.db import Connection
from services.notify import people
from services.notify.desk import alive
from services.notify.domain import Told, clean_address
from services.notify.matrix import Audience
from services.notify.people import Person
from services.notify.telling import rank_of


class Parties(msgspec.Struct, frozen=True):
    """What an invoice's submission said of its people."""

    contact: str
    depositor: str | None
    supplier: str | None
    validators: Sequence[str]
    moe: str | None
    moa: str | None


async def keep(connection: Connection, submitted: Mapping[str, InvoiceSubmitted]) -> None:
    """Remember the people of each invoice."""
    if submitted:
        data = submitted.values()
        await connection.execute(
            "insert into invoice_contact (invoice, contact, depositor, supplier, validators, moe, moa)"
            " select i, c, d, s, coalesce(string_to_array(nullif(v, ''), ','), '{}'), e, a from unnest($1::text[],"
            " $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) t(i, c, d, s, v, e, a)"
            " on conflict (invoice) do nothing",
            list(submitted),
            [one.contact for one in data],
            [one.depositor for one in data],
            [one.invoice.supplier_siret for one in data],
            [",".join([one.siret for one in one.validator_parties] or one.validators) for one in data],
            [one.works.moe.siret if one.works and one.works.moe else None for one in data],
            [one.works.moa.siret if one.works and one.works.moa else None for one in data],
        )


async def correct(connection: Connection, asked: Mapping[str, StatusChanged]) -> None:
    """Remember who validates now: the supplier names another one where the first says that he is not concerned."""
    ranks = {invoice: rank for invoice, change in asked.items() if (rank := rank_of(change.status_to)) is not None}
    if ranks:
        await connection.execute(
            "update invoice_contact c set validators[t.rank] = t.siret"
            " from unnest($1::text[], $2::int[], $3::text[]) t(invoice, rank, siret)"
            " where c.invoice = t.invoice and c.validators[t.rank] is distinct from t.siret",
            list(ranks),
            [rank + 1 for rank in ranks.values()],
            [asked[invoice].validator for invoice in ranks],
        )


async def parties(connection: Connection, invoices: Collection[str]) -> dict[str, Parties]:
    """The people of the invoices that are known."""
    if not invoices:
        return {}
    rows = await connection.fetch(
        "select invoice, contact, depositor, supplier, validators, moe, moa from invoice_contact"
        " where invoice = any($1)",
        list(invoices),
    )
    return {row["invoice"]: Parties(*list(row.values())[1:]) for row in rows}


class Managers(msgspec.Struct, frozen=True):
    """Addresses by structure, and by structure and service."""

    of_structure: Mapping[str, Sequence[str]]
    of_service: Mapping[tuple[str, str], Sequence[str]]

    def told(self, siret: str, service_code: str | None) -> list[str]:
        """Those of the structure, then those of the service."""
        found = list(self.of_structure.get(siret, ()))
        if service_code is not None:
            found += self.of_service.get((siret, normalise_code(service_code)), ())
        return found

    def others(self, siret: str) -> list[str]:
        """Those of all the structure's services."""
        return [email for (of, _), emails in self.of_service.items() if of == siret for email in emails]


async def managers(connection: Connection, sirets: Collection[str]) -> Managers:
    """The managers of these structures and of all their services."""
    structure: dict[str, list[str]] = defaultdict(list)
    service: dict[tuple[str, str], list[str]] = defaultdict(list)
    if sirets:
        rows = await connection.fetch(
            "select siret, service_key, email from manager where siret = any($1) order by id", list(sirets)
        )
        for row in rows:
            if row["service_key"] is None:
                structure[row["siret"]].append(row["email"])
            else:
                service[row["siret"], row["service_key"]].append(row["email"])
    return Managers(structure, service)


async def by_role(connection: Connection, sirets: Collection[str]) -> dict[tuple[str, str], list[str]]:
    """Addresses by role and SIRET."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    if sirets:
        rows = await connection.fetch(
            "select role, siret, email from correspondent where siret = any($1) order by email", list(sirets)
        )
        for row in rows:
            found[row["role"], row["siret"]].append(row["email"])
    return found


class Book(msgspec.Struct, frozen=True):
    """All addresses that a batch of events needs."""

    managers: Managers
    roles: Mapping[tuple[str, str], Sequence[str]]
    contacts: Mapping[str, str]
    people: Mapping[str, Person]

    def addresses(self, what: Told, of: Parties | None) -> dict[Audience, Sequence[str]]:
        """Who is told, by audience; dead addresses are left out."""
        facts = what.facts
        contact = what.contact if what.contact is not None else of.contact if of else None
        depositor = what.depositor or (of.depositor if of else None)
        contact = self.contacts.get(depositor or "", contact or "")
        if facts.sandbox:  # the depositor alone reads what each of the others would have read
            return {rule.audience: alive([contact], self.people) for rule in what.rules}
        body = self.managers.told(facts.recipient_siret, facts.service_code) if facts.recipient_siret else []
        found: dict[Audience, list[str]] = {
            "supplier": [contact, *self._of("supplier", facts.supplier_siret)],
            "validator": [a for siret in validators(what, of) for a in self._of("validator", siret)],
            "moe": list(self._of("moe", of.moe if of else None)),
            "moa": list(self._of("moa", of.moa if of else None)),
            "body": body,
            "person": [],
            "administrator": [],
        }
        told = {rule.audience: found[rule.audience] for rule in what.rules if rule.audience != "person"}
        already = {address for given in told.values() for address in given}
        # Who is told by name is not told once more at an address of the body.
        named = [self.contacts[subject] for subject in what.people if subject in self.contacts]
        found["person"] = [address for address in named if address not in already]
        return {audience: alive(given, self.people) for audience, given in found.items()}

    def _of(self, role: str, siret: str | None) -> Sequence[str]:
        return self.roles.get((role, siret or ""), ())


def validators(what: Told, of: Parties | None) -> Sequence[str]:
    """The SIRET of the valideur whose turn a status tells of; both when it names none."""
    if what.asked is not None:
        return (what.asked,)
    named = of.validators if of else ()
    return named if what.validator is None else named[what.validator : what.validator + 1]


async def book(connection: Connection, wanted: Sequence[tuple[Told, Parties | None]]) -> Book:
    """The addresses for these events."""
    sirets = {what.facts.recipient_siret for what, _ in wanted} | {what.facts.supplier_siret for what, _ in wanted}
    others = {siret for what, of in wanted if what.to("validator") for siret in validators(what, of)}
    others |= {siret for _, of in wanted if of for siret in (of.moe, of.moa) if siret}
    bodies = {what.facts.recipient_siret for what, _ in wanted if what.to("body")} - {None}
    depositors = {what.depositor or (of.depositor if of else None) for what, of in wanted} - {None}
    depositors |= {subject for what, _ in wanted for subject in what.people}
    found = await managers(connection, [siret for siret in bodies if siret])
    roles = await by_role(connection, [siret for siret in sirets | others if siret])
    contacts = await people.contacts_of(connection, [one for one in depositors if one])
    told = {what.contact or (of.contact if of else "") for what, of in wanted}
    everybody = told.union(contacts.values(), *found.of_structure.values(), *found.of_service.values(), *roles.values())
    return Book(
        found,
        roles,
        contacts,
        await people.load(connection, {clean for one in everybody if (clean := clean_address(one))}),
    )


async def administrators(connection: Connection, tenants: Collection[str]) -> dict[str, list[str]]:
    """The administrators' addresses by tenant."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = await connection.fetch(
        "select tenant, email from correspondent where role = 'administrator' and tenant = any($1) order by email",
        list(tenants),
    )
    for row in rows:
        found[row["tenant"]].append(row["email"])
    return found
