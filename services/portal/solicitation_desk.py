"""What the routes of sollicitations do: who asks whom, in which name, and everything that a reader may be shown."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from fastapi import Request

from invoice.solicitations import Subcategory, subcategory
from services.common import clock
from services.common.auth import Principal
from services.common.blobs import Blobs
from services.common.db import Connection, scoped
from services.common.deliver import transaction
from services.common.trace import RequestCause
from services.portal import solicitation as kept
from services.portal import solicitation_acts as acts
from services.portal import solicitation_people as people
from services.portal import solicitation_sides as sides
from services.portal import solicitation_views as views
from services.portal import solicitation_words as words
from services.portal import structure_reads
from services.portal.parts import Parts
from services.portal.scope import scope_of
from services.portal.solicitation import Place, Side, Solicitation
from services.portal.solicitation_invoices import read
from services.portal.solicitation_views import MessageIn, SolicitationIn, SolicitationItem, SolicitationView
from services.portal.structure import called

_NAMES = (
    "select k.key, coalesce(p.name, s.name) as name, t.name as tenant from unnest($1::text[]) k(key)"
    " left join structure s on s.key = k.key left join public_structure p on p.siret = k.key and not p.deleted"
    " left join public_tenant t on t.id = p.tenant"
)


class Desk:
    """Asks, writes, reads. ``parts.pool`` is the owner's: what may be seen is decided through ``parts.api_pool``."""

    def __init__(self, parts: Parts, blobs: Blobs) -> None:
        self._parts = parts
        self._blobs = blobs

    # Asking

    async def ask(self, request: Request, given: SolicitationIn, principal: Principal, key: str | None) -> Solicitation:
        """Ask it, or find what the same request has asked before. Raises problems."""
        line = subcategory(given.category, given.subcategory)
        if line is None:
            raise words.no_category(given.category, given.subcategory)
        asked_for = await self._once(key, ["ask"], given, principal)
        async with self._parts.pool.acquire() as connection:
            known = await acts.before(connection, principal.subject, asked_for)
        if known is None:
            question = await self._question(request, given, principal, line)
            locks = [*acts.lock_of(asked_for, principal.subject), f"asks/{principal.subject}"]
            async with transaction(self._parts.pool, "portal", keys=locks) as tx:
                known = await acts.before(tx.conn, principal.subject, asked_for)
                if known is None:
                    return await acts.ask(tx, question, asked_for, _cause(request))
        await self._leave(given.attachments, principal)
        return known

    async def _once(
        self, key: str | None, what: Sequence[str], given: SolicitationIn | MessageIn, principal: Principal
    ) -> acts.Once:
        """The request under its key. Files count by what is in them: whoever presses twice sends them twice."""
        contents: list[str] = []
        if given.attachments and key is not None:
            async with self._parts.pool.acquire() as connection:
                contents = await kept.contents_of(connection, principal.subject, given.attachments)
        return acts.once(key, *what, given.model_dump_json(exclude={"attachments"}), *contents)

    async def _leave(self, papers: Sequence[UUID], principal: Principal) -> None:
        """Files that came again with a request that was done before: nothing needs them."""
        if not papers:
            return
        async with transaction(self._parts.pool, "portal") as tx:
            loose = await kept.loose_papers(tx.conn, principal.subject, papers)
            for paper in loose:
                if paper.document is not None:
                    await self._blobs.delete(paper.document.key)
            await kept.drop_papers(tx.conn, [paper.id for paper in loose])

    async def _question(
        self, request: Request, given: SolicitationIn, principal: Principal, line: Subcategory
    ) -> acts.Question:
        invoice = None
        if given.invoice is not None:
            invoice = await read(self._parts.settings.service_urls, request, given.invoice)
        elif line.invoice or line.to == "supplier":
            raise words.invoice_needed()
        asking, asked, tenant = (
            await self._about_nothing(given, principal, line)
            if invoice is None
            else await self._about(invoice, principal, line)
        )
        return acts.Question(
            category=given.category,
            subcategory=given.subcategory,
            title=given.title,
            said=given.text,
            asking=asking,
            asked=asked,
            author=principal.subject,
            tenant=tenant,
            invoice=given.invoice,
            invoice_number=invoice["number"] if invoice else None,
            supplier=_supplier(invoice["supplier_siret"] if invoice else None, asking),
            page=given.page,
            papers=tuple(dict.fromkeys(given.attachments)),
        )

    async def _about(
        self, invoice: Mapping[str, Any], principal: Principal, line: Subcategory
    ) -> tuple[Place, Place, str | None]:
        """The two sides of a question about an invoice, and the tenant of the body among them."""
        siret = invoice["recipient"]["siret"]
        async with self._parts.pool.acquire() as connection:
            known = await people.tenant_of(connection, siret)
        tenant = known[0] if known else None
        asking = sides.towards(principal, invoice, tenant)
        if asking is None:
            raise words.for_nobody()
        if line.to == "support":
            return asking, Place(kind="support"), tenant if asking.kind == "body" else None
        if invoice.get("sandbox"):
            raise words.sandbox()
        if asking.kind == line.to:
            raise words.oneself("l'organisme" if line.to == "body" else "fournisseur")
        if line.to == "supplier":
            return asking, Place(kind="supplier", structure=invoice["supplier_siret"]), tenant
        if known is None:
            raise words.not_a_body(siret)
        service = invoice["recipient"]["service_code"] or await self._stated(siret, invoice)
        return asking, Place(kind="body", structure=siret, service=service, tenant=tenant), tenant

    async def _stated(self, siret: str, invoice: Mapping[str, Any]) -> str | None:
        """The service that the invoice names, where no service has it yet and the body has such a service."""
        code = (invoice.get("header") or {}).get("service_code")
        if not code:
            return None
        async with self._parts.pool.acquire() as connection:
            return code if await people.service_there(connection, siret, code) else None

    async def _about_nothing(
        self, given: SolicitationIn, principal: Principal, line: Subcategory
    ) -> tuple[Place, Place, str | None]:
        asking = _in_name(principal, given.on_behalf)
        async with self._parts.pool.acquire() as connection:
            own = await people.tenant_of(connection, asking.structure or "") if asking.kind == "body" else None
            if line.to == "support":
                return asking, Place(kind="support"), own[0] if own else None
            if given.structure is None:
                raise words.structure_needed()
            known = await people.tenant_of(connection, given.structure)
            if known is None:
                raise words.not_a_body(given.structure)
            if given.service and not await people.service_there(connection, given.structure, given.service):
                raise words.no_service(given.service, given.structure)
        asked = Place(kind="body", structure=given.structure, service=given.service, tenant=known[0])
        if asking.kind == "body":
            raise words.oneself("l'organisme")
        return asking, asked, known[0]

    # Writing

    async def write(
        self, request: Request, identity: UUID, given: MessageIn, principal: Principal, key: str | None
    ) -> Solicitation:
        """One side writes. Raises problems."""
        asked_for = await self._once(key, ["write", str(identity)], given, principal)
        locks = [*acts.lock_of(asked_for, principal.subject), str(identity)]
        async with transaction(self._parts.pool, "portal", keys=locks) as tx:
            found = await self._locked(tx.conn, identity, principal)
            side = self._side(found, principal)
            if not await acts.written_before(tx.conn, principal.subject, asked_for):
                papers = tuple(dict.fromkeys(given.attachments))
                return await acts.write(
                    tx, found, side, principal.subject, given.text, papers, asked_for, _cause(request)
                )
        await self._leave(given.attachments, principal)
        return found

    async def close(self, request: Request, identity: UUID, said: str, principal: Principal) -> Solicitation:
        """End it. Raises problems."""
        async with transaction(self._parts.pool, "portal", keys=[str(identity)]) as tx:
            found = await self._locked(tx.conn, identity, principal)
            side = "asker" if sides.asks(principal, found) else self._side(found, principal)
            return await acts.close(tx, found, side, principal.subject, said or None, _cause(request))

    async def _locked(self, connection: Connection, identity: UUID, principal: Principal) -> Solicitation:
        """As it is now, where the caller sees it. Raises a 404 problem."""
        await self.seen(identity, principal)
        found = await kept.one(connection, identity)
        if found is None:
            raise words.unknown()
        return found

    def _side(self, found: Solicitation, principal: Principal) -> Side:
        """In whose name he writes; who stands on both sides answers while an answer is due."""
        answers, asks = sides.answers(principal, found), sides.asks(principal, found)
        if not answers and not asks:
            raise words.reads_only()
        if answers and asks:
            return "addressee" if found.state == "waiting" else "asker"
        return "addressee" if answers else "asker"

    # Reading

    async def seen(self, identity: UUID, principal: Principal) -> Solicitation:
        """Through the walls. Raises a 404 problem."""
        async with scoped(self._parts.api_pool, scope_of(principal)) as connection:
            found = await kept.one(connection, identity)
        if found is None:
            raise words.unknown()
        return found

    async def items(self, found: Sequence[Solicitation], principal: Principal) -> list[SolicitationItem]:
        """As the caller reads them in a list."""
        names = await self._names(found)
        now = clock.now()
        return [views.item(each, _reader(each, principal, names, {}), now) for each in found]

    async def view(self, identity: UUID, principal: Principal) -> SolicitationView:
        """One with its story. Raises a 404 problem."""
        async with scoped(self._parts.api_pool, scope_of(principal)) as connection:
            found = await kept.one(connection, identity)
            if found is None:
                raise words.unknown()
            entries = await kept.entries_of(connection, identity)
            papers = await kept.papers_of(connection, identity)
        authors = {entry.author for entry in entries if entry.author}
        async with self._parts.pool.acquire() as connection:
            people_named = await structure_reads.people(connection, authors)
        names = {subject: person.name for subject, person in people_named.items()}
        reader = _reader(found, principal, await self._names([found]), names)
        return views.whole(found, entries, papers, reader, clock.now())

    async def _names(self, found: Sequence[Solicitation]) -> dict[str, str]:
        keys = {key for each in found for key in (each.asker_structure, each.addressee_structure) if key}
        if not keys:
            return {}
        async with self._parts.pool.acquire() as connection:
            rows = await connection.fetch(_NAMES, sorted(keys))
        return {row["key"]: called(row["name"], row["tenant"]) for row in rows if row["name"]}


def _reader(found: Solicitation, principal: Principal, names: dict[str, str], people: dict[str, str]) -> views.Reader:
    return views.Reader(
        asks=sides.asks(principal, found), answers=sides.answers(principal, found), names=names, people=people
    )


def _in_name(principal: Principal, wanted: str | None) -> Place:
    """In whose name it is asked: as wanted, else the only place he has, else his own."""
    places = sides.places_of(principal)
    if wanted is None:
        return places[0] if len(places) == 1 else Place(kind="person")
    siret, _, service = wanted.partition("/")
    for place in places:
        if place.structure == siret and (place.service or "") == service:
            return place
    raise words.no_place(wanted)


def _supplier(of_invoice: str | None, asking: Place) -> str | None:
    return of_invoice or (asking.structure if asking.kind == "supplier" else None)


def _cause(request: Request) -> RequestCause:
    return RequestCause(uuid4(), request.state.traceparent)
