"""What happens to a sollicitation, in the caller's transaction: its row, its story, its event, its timers."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4, uuid5

import msgspec

from contracts.events import SolicitationRecorded
from invoice.solicitations import CLOSED_AFTER_DAYS, subcategory
from services.common import timers
from services.common.db import Connection
from services.common.deliver import Cause, Tx
from services.common.once import reused
from services.portal import solicitation as kept
from services.portal import solicitation_people as people
from services.portal.member_words import too_many
from services.portal.solicitation import Act, Place, Side, Solicitation
from services.portal.solicitation_words import answer_first, closed, papers_gone

REMINDER: Final = "solicitation_reminder"
OVERDUE: Final = "solicitation_overdue"
CLOSING: Final = "solicitation_closing"
#: How many questions one account may ask in a day: each is a mail to people who do not know it.
EACH_DAY: Final = 30


class Once(msgspec.Struct, frozen=True):
    """The caller's key, under which a request is done once, and what makes two requests the same."""

    key: str | None
    digest: str


def once(key: str | None, *parts: str) -> Once:
    """A request under its key."""
    return Once(key, hashlib.sha256("\x00".join(parts).encode()).hexdigest())


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, by which side of which, everything decided."""

    category: str
    subcategory: str
    title: str
    said: str
    asking: Place
    asked: Place
    author: str
    tenant: str | None = None
    invoice: UUID | None = None
    invoice_number: str | None = None
    supplier: str | None = None
    page: str | None = None
    papers: tuple[UUID, ...] = ()


async def before(connection: Connection, author: str, request: Once) -> Solicitation | None:
    """The sollicitation that the same request has made. Raises a 409 problem where the key was another request's."""
    if request.key is None:
        return None
    row = await connection.fetchrow(
        "select id, asked_digest from solicitation where author = $1 and idempotency_key = $2", author, request.key
    )
    if row is None:
        return None
    if row["asked_digest"] != request.digest:
        raise reused(request.key)
    return await kept.one(connection, row["id"])


def lock_of(request: Once, author: str) -> list[str]:
    """By what two requests under the same key wait for each other."""
    return [] if request.key is None else [f"solicitation/{author}/{request.key}"]


async def written_before(connection: Connection, author: str, request: Once) -> bool:
    """Whether the same request has written already. Raises a 409 problem where the key was another request's."""
    if request.key is None:
        return False
    row = await connection.fetchrow(
        "select asked_digest from solicitation_entry where author = $1 and idempotency_key = $2", author, request.key
    )
    if row is not None and row["asked_digest"] != request.digest:
        raise reused(request.key)
    return row is not None


async def ask(tx: Tx, question: Question, request: Once, cause: Cause) -> Solicitation:
    """Ask it. Raises a 422 problem for papers that are not there, a 429 one for too many questions."""
    asked = await tx.conn.fetchval(
        "select count(*) from solicitation where author = $1 and asked_at > $2",
        question.author,
        tx.now - timedelta(days=1),
    )
    if asked >= EACH_DAY:
        raise too_many("sollicitations par jour", EACH_DAY)
    line = subcategory(question.category, question.subcategory)
    assert line is not None
    row = await tx.conn.fetchrow(
        "insert into solicitation (id, category, subcategory, title, asker, asker_structure, asker_service, addressee,"
        " addressee_structure, addressee_service, tenant, author, invoice, invoice_number, supplier, page, days,"
        " asked_at, due_at, changed_at, idempotency_key, asked_digest) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11, $12, $13, $14, $15, $16, $17, $18, $19, $18, $20, $21) returning id",
        uuid4(),
        question.category,
        question.subcategory,
        question.title,
        question.asking.kind,
        question.asking.structure,
        question.asking.service,
        question.asked.kind,
        question.asked.structure,
        question.asked.service,
        question.tenant,
        question.author,
        question.invoice,
        question.invoice_number,
        question.supplier,
        question.page,
        line.days,
        tx.now,
        tx.now + timedelta(days=line.days),
        request.key,
        request.digest,
    )
    assert row is not None
    found = await kept.one(tx.conn, row["id"])
    assert found is not None
    return await record(
        tx, found, "asked", "asker", cause, author=question.author, said=question.said, papers=question.papers
    )


async def write(
    tx: Tx, found: Solicitation, side: Side, author: str, said: str, papers: Sequence[UUID], request: Once, cause: Cause
) -> Solicitation:
    """One side writes: the addressee answers, the asker asks again. Raises a 409 or 422 problem.

    ``request``: one that has not written before.
    """
    if found.state == "closed":
        raise closed()
    act: Act = "answered" if side == "addressee" else "asked_again"
    if side == "addressee":
        await tx.conn.execute(
            "update solicitation set state = 'answered', due_at = null, answered_at = $2 where id = $1",
            found.id,
            tx.now,
        )
    elif found.state == "answered":
        await tx.conn.execute(
            "update solicitation set state = 'waiting', turn = turn + 1, due_at = $2 where id = $1",
            found.id,
            tx.now + timedelta(days=found.days),
        )
    return await record(tx, found, act, side, cause, author=author, said=said, papers=papers, request=request)


async def close(
    tx: Tx, found: Solicitation, side: Side, author: str | None, said: str | None, cause: Cause
) -> Solicitation:
    """End it; done again, it stays as it is. Raises a 409 problem for an addressee who has not answered."""
    if found.state == "closed":
        return found
    if side == "addressee" and found.state == "waiting":
        raise answer_first(found.state)
    await tx.conn.execute(
        "update solicitation set state = 'closed', due_at = null, closed_at = $2 where id = $1", found.id, tx.now
    )
    return await record(tx, found, "closed", side, cause, author=author, said=said)


async def record(
    tx: Tx,
    found: Solicitation,
    act: Act,
    side: Side,
    cause: Cause,
    *,
    author: str | None = None,
    said: str | None = None,
    papers: Sequence[UUID] = (),
    request: Once | None = None,
    index: int = 0,
) -> Solicitation:
    """Write one entry with its files, tell it, and set the timers anew. Returns the sollicitation as it is then."""
    entry: int = await tx.conn.fetchval(
        "update solicitation set entries = entries + 1, changed_at = $2 where id = $1 returning entries",
        found.id,
        tx.now,
    )
    await tx.conn.execute(
        "insert into solicitation_entry (id, solicitation, entry, act, side, author, said, at, idempotency_key,"
        " asked_digest) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        uuid5(found.id, str(entry)),
        found.id,
        entry,
        act,
        side,
        author,
        said,
        tx.now,
        request.key if request else None,
        request.digest if request else None,
    )
    await _join(tx, found, author, papers, entry)
    after = await kept.one(tx.conn, found.id)
    assert after is not None
    await _tell(tx, after, act, side, entry, cause, index)
    await _set_timers(tx, act, after, begins=act == "asked" or after.turn != found.turn, cause=cause)
    return after


async def _join(tx: Tx, found: Solicitation, author: str | None, papers: Sequence[UUID], entry: int) -> None:
    if not papers or author is None:
        return
    there = {paper.id for paper in await kept.loose_papers(tx.conn, author, papers)}
    missing = [str(paper) for paper in papers if paper not in there]
    if missing:
        raise papers_gone(missing)
    await kept.join_papers(tx.conn, papers, found.id, entry)


async def _tell(tx: Tx, after: Solicitation, act: Act, side: Side, entry: int, cause: Cause, index: int) -> None:
    """To the asker: answers, that nobody has answered yet, the end. To the addressee: questions and reminders."""
    to_asker = act in ("answered", "overdue", "closed")
    told: tuple[str, ...]
    if to_asker:
        told = () if side == "asker" else (after.author,)
    else:
        told = await people.at(tx.conn, after.asked, tx.now)
    body = after.body
    known = await people.tenant_of(tx.conn, body.structure) if body is not None and body.structure else None
    data = SolicitationRecorded(
        solicitation=str(after.id),
        reference=after.reference,
        entry=entry,
        act=act,
        at=tx.now,
        category=after.category,
        subcategory=after.subcategory,
        addressee=after.addressee,
        asker=after.asker,
        by=side,
        author=after.author,
        tell=told,
        invoice=str(after.invoice) if after.invoice else None,
        invoice_number=after.invoice_number,
        supplier_siret=after.supplier,
        recipient_siret=body.structure if body else None,
        recipient_name=known[1] if known else None,
        service_code=body.service if body else None,
        tenant=after.tenant,
        due_at=after.due_at,
    )
    tx.emit(data, key=after.key, cause=cause, index=index, tenant=after.tenant)


async def _set_timers(tx: Tx, act: Act, after: Solicitation, *, begins: bool, cause: Cause) -> None:
    """``begins``: the addressee's turn begins. What is written while it is his turn leaves its reminders as they are:
    one that has fired is not set again."""
    if not (begins or act in ("answered", "closed")):
        return
    for kind in (REMINDER, OVERDUE, CLOSING):
        await timers.cancel(tx.conn, [str(after.id)], kind)
    if begins and after.due_at is not None:
        line = subcategory(after.category, after.subcategory)
        days = line.reminded_after if line is not None else after.days / 2
        await _start(tx, after, REMINDER, tx.now + timedelta(days=days), str(after.turn), cause)
        await _start(tx, after, OVERDUE, after.due_at, str(after.turn), cause)
    elif act == "answered":
        # Each answer gives the asker his time anew.
        ends = tx.now + timedelta(days=CLOSED_AFTER_DAYS)
        await _start(tx, after, CLOSING, ends, str(after.entries), cause)


async def _start(tx: Tx, found: Solicitation, kind: str, due_at: datetime, turn: str, cause: Cause) -> None:
    await timers.start(
        tx.conn,
        uuid5(found.id, f"{kind}/{turn}"),
        key=str(found.id),
        kind=kind,
        due_at=due_at,
        traceparent=cause.traceparent,
    )
