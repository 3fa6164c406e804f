"""Lists of invoices, whatever is asked for, without reading more than a few thousand rows of a million.

Row-level security alone decides what may be seen. Everything here only says where to look: at the newest of each status
along an index, or at the few invoices that a selective condition leaves. What is asked becomes one statement, put
together in one place: one long file.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import asyncpg

from services.common.auth import Principal
from services.common.db import Connection
from services.status import selectivity
from services.status.listing import COLUMNS
from services.status.payment_delay import PARIS, paris_day
from services.status.places import places
from services.status.search import MAX_WORDS, Search

LISTED: Final = COLUMNS
_ORDERS: Final = {
    "recent": ("i.submitted_at desc, i.id desc", "submitted_at desc, id desc", "(i.submitted_at, i.id) < ({}, {})"),
    "due": ("i.due_on, i.id", "due_on, id", "(i.due_on, i.id) > ({}, {})"),
}
_LAST = "\U0010ffff"


async def search(
    connection: Connection, principal: Principal, wanted: Search, limit: int, now: datetime
) -> list[asyncpg.Record]:
    """Rows of ``invoice`` in the order asked for. ``connection`` must be scoped to the principal."""
    if not wanted.statuses:
        return []
    query = _Query(principal, wanted, limit, paris_day(now))
    await query.prepare(connection)
    text = query.text()
    if not text:
        return []
    # A walk along an index stops after a page, which the planner does not believe when it cannot see the claims; and a
    # plan for any value whatever looks at far too much for the one at hand.
    await connection.fetchval(
        "select set_config('enable_bitmapscan', $1, true) || set_config('random_page_cost', '1.1', true)"
        " || set_config('plan_cache_mode', 'force_custom_plan', true)",
        "on" if query.selective else "off",
    )
    return await connection.fetch(text, *query.values)


class _Query:
    """One statement being put together; ``values`` are its parameters."""

    def __init__(self, principal: Principal, wanted: Search, limit: int, today: date) -> None:
        self._wanted, self._limit, self._today = wanted, limit, today
        self._subject, self._places = principal.subject, places(principal)
        self.values: list[Any] = []
        self._inner, self._outer, self._after = _ORDERS[wanted.sort]
        recent = wanted.sort == "recent"
        self._place, self._placed = ("i.submitted_at", "place desc, id desc") if recent else ("i.due_on", "place, id")
        self._statuses = self._bind(list(wanted.statuses), "text[]")
        self._rows = self._bind(limit, "int")
        self._conditions: list[str] = []
        self._everything = self._places.everything
        #: A condition that leaves few invoices of all: they are looked through.
        self.selective = False
        self._by_due = False
        #: What the words are; and, where one of them leaves few invoices, each way to find those, with whether the
        #: words are still to be compared there.
        self._spoken: list[str] = []
        self._found: list[tuple[str, bool]] = []

    def _bind(self, value: object, kind: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{kind}"

    async def prepare(self, connection: Connection) -> None:
        """Ask the database what only it knows: how selective a condition is."""
        wanted = self._wanted
        self._plain()
        await self._ranges(connection)
        await self._words(connection)
        before = wanted.due_before(self._today)
        if before is not None:
            self._conditions.append(f"i.due_on < {self._bind(before, 'date')}")
        for sign, day in ((">=", wanted.due_from), ("<=", wanted.due_to)):
            if day is not None:
                self._conditions.append(f"i.due_on {sign} {self._bind(day, 'date')}")
        if wanted.sort == "due":
            self._conditions.append("i.due_on is not null")
        if wanted.after is not None:
            kind = "timestamptz" if wanted.sort == "recent" else "date"
            place = self._bind(wanted.after.place, kind)
            self._conditions.append(self._after.format(place, self._bind(wanted.after.invoice, "uuid")))
        if wanted.sort == "due" and not self.selective:
            # Few are sorted; of many, an index in the order of the days to pay is followed.
            self._by_due = self._everything or await selectivity.many_open(connection, self._places.tenants)

    def _plain(self) -> None:
        """Conditions that need no thought. Every operator is one that row-level security lets an index answer."""
        wanted, add = self._wanted, self._conditions.append
        if wanted.number is not None:
            lower = self._bind(wanted.number.lower(), "text")
            add(f"i.number_key = {lower} and i.number = {self._bind(wanted.number, 'text')}")
            self.selective = True
        for column, key in (("engagement_key", wanted.engagement), ("contract_key", wanted.market)):
            if key is not None:
                add(f"i.{column} = {self._bind(key.lower(), 'text')}")
                self.selective = True
        service = "address" if "/" in (wanted.service or "") else "service_code"
        plain: tuple[tuple[str, str, object, str], ...] = (
            ("submitted_at", ">=", wanted.since, "timestamptz"),
            ("submitted_at", "<", wanted.until, "timestamptz"),
            ("supplier", "=", wanted.supplier, "text"),
            ("recipient", "=", wanted.structure, "text"),
            (service, "=", wanted.service, "text"),
        )
        for column, sign, value, kind in plain:
            if value is not None:
                add(f"i.{column} {sign} {self._bind(value, kind)}")
        if wanted.file is not None:
            add(f"i.works_file = {self._bind(str(wanted.file), 'text')}")
            self.selective = True
        elif wanted.side == "works":
            add("i.works_file is not null")
        self._unchanged()

    def _unchanged(self) -> None:
        """How long an invoice has been in its status."""
        wanted, add = self._wanted, self._conditions.append
        if wanted.unchanged_days is not None:
            # An invoice is deposited before its status: said twice, so that the index stops where nothing can follow.
            since = self._bind(self._younger(wanted.unchanged_days), "timestamptz")
            for column in ("status_at", "submitted_at"):
                add(f"i.{column} < {since}")
        if wanted.unchanged_under is not None:
            add(f"i.status_at >= {self._bind(self._younger(wanted.unchanged_under), 'timestamptz')}")

    def _younger(self, days: int) -> datetime:
        """The midnight in Paris since which a status is not yet so many days of the calendar old."""
        return datetime.combine(self._today - timedelta(days=days - 1), time.min, PARIS)

    async def _ranges(self, connection: Connection) -> None:
        wanted = self._wanted
        ranges: tuple[tuple[str, str, str, Any, Any], ...] = (
            ("payable", "payable_cents", "bigint", _cents(wanted.amount_from), _cents(wanted.amount_to)),
            ("issued", "issued_on", "date", wanted.issued_from, wanted.issued_to),
        )
        for name, column, kind, low, high in ranges:
            if low is not None:
                self._conditions.append(f"i.{column} >= {self._bind(low, kind)}")
            if high is not None:
                self._conditions.append(f"i.{column} <= {self._bind(high, kind)}")
            if low is not None and high is not None and not self.selective:
                self.selective = await selectivity.few(connection, name, str(low), str(high))

    async def _words(self, connection: Connection) -> None:
        """A word begins a number, an engagement or a market, is a SIRET, or stands in a body's or service's name."""
        words = self._wanted.words[:MAX_WORDS]
        for word in words:
            others = [other for other in words if other != word]
            places = await selectivity.places(connection, word, others, *self._own_bodies())
            await self._word(connection, word, places)

    async def _word(self, connection: Connection, word: str, places: Sequence[asyncpg.Record]) -> None:
        low, high = word.lower(), word.lower() + _LAST
        first, last = self._bind(low, "text"), self._bind(high, "text")
        keys = [f"i.{key} >= {first} and i.{key} < {last}" for key in ("number_key", "engagement_key", "contract_key")]
        is_siret = word.isascii() and word.isdigit() and len(word) == 14
        either = [*keys, *([f"i.supplier = {first}", f"i.recipient = {first}"] if is_siret else [])]
        narrow = not (self.selective or self._found or is_siret) and await selectivity.few_keys(connection, low, high)
        if len(places) > selectivity.MANY_PLACES:
            names = "' ' || folded(concat_ws(' ', i.recipient_name, i.service_label, i.service_code))"
            either.append(f"position(' ' || (select folded({self._bind(word, 'text')})) in {names}) > 0")
        elif places:
            either += self._at(places)
            if narrow and (not self._is_body() or await selectivity.few_held(connection, places)):
                # Few invoices of few places, and hardly any number that begins so: those are looked through. Where a
                # place's name has all the words, nothing but the index is read.
                whole = [place for place in places if place["all"]]
                others = self._at([place for place in places if not place["all"]])
                self._found = [(condition, True) for condition in (*others, *keys)]
                self._found += [(condition, False) for condition in self._at(whole)]
        elif narrow:
            self._found = [(condition, True) for condition in keys]
        self._spoken.append(f"({' or '.join(either)})")

    def _at(self, places: Sequence[asyncpg.Record]) -> list[str]:
        """Conditions that together hold for these places."""
        addresses = [f"{place['structure']}/{place['service']}" for place in places if place["service"]]
        structures = [place["structure"] for place in places if not place["service"]]
        pairs = (("address", addresses), ("recipient", structures))
        return [f"i.{column} = any ({self._bind(values, 'text[]')})" for column, values in pairs if values]

    def _is_body(self) -> bool:
        held = self._places
        return self._everything or bool(held.admin_tenants or held.recipient or held.services)

    def _own_bodies(self) -> tuple[list[str] | None, list[str] | None]:
        """The tenants and structures among whose names is looked; None for whoever may meet any body."""
        held = self._places
        elsewhere = {*held.deposit, *held.guest} - {*held.recipient}
        if self._everything or not self._is_body() or elsewhere:
            return None, None
        return held.tenants, held.bodies

    def text(self) -> str:
        """The whole statement; empty where nothing can be the caller's on the side asked for."""
        looks = [*self._looks(), *self._guests(), *self._deposits()]
        if not looks:
            return ""
        order = self._outer
        return (
            f"select {LISTED} from invoice where id in (select id from ({' union '.join(looks)}) found"
            f" order by {self._placed} limit {self._rows}) order by {order}"
            f" limit {self._rows}"
        )

    def _looks(self) -> Sequence[str]:
        plain = list(self._conditions)
        self._conditions += self._spoken
        if self.selective:
            return [self._among(f"i.status = any ({self._statuses})")]
        if self._found:
            return [look for condition, spoken in self._found for look in self._ways(condition, spoken, plain)]
        if self._by_due:
            return [self._along("", "")]
        wanted = self._wanted
        if wanted.supplier is not None:
            return [self._along("supplier", self._bind([wanted.supplier], "text[]"))]
        if wanted.service is not None and "/" in wanted.service:
            return [self._along("address", self._bind([wanted.service], "text[]"))]
        if wanted.structure is not None:
            return [self._along("recipient", self._bind([wanted.structure], "text[]"))]
        return self._own()

    def _ways(self, condition: str, spoken: bool, plain: list[str]) -> Sequence[str]:
        """Where a word was found: by a number, through those; in a name, through its places, or a supplier's own."""
        every, self._conditions = self._conditions, [*(self._conditions if spoken else plain), condition]
        try:
            if "= any" in condition and not self._is_body():
                return self._own()
            return [self._among(f"i.status = any ({self._statuses})")]
        finally:
            self._conditions = every

    def _own(self) -> Sequence[str]:
        """One look per claim: nothing else is the caller's."""
        if self._everything:
            return [self._along("", "")]
        held = self._places
        received = (("address", held.services), ("recipient", held.recipient), ("tenant", held.admin_tenants))
        claims = self._claims(received)
        return [self._along(column, self._bind(values, "text[]"), own=True) for column, values in claims if values]

    def _claims(self, received: Sequence[tuple[str, list[str]]]) -> Sequence[tuple[str, list[str]]]:
        """What makes an invoice the caller's on the side asked for, by columns of the invoice."""
        issued = ("supplier", self._places.supplier)
        match self._wanted.side:
            case "issued" | "works":
                return (issued,)
            case "received":
                return received
            case "to_validate":
                return ()
        return (issued, *received)

    def _along(self, column: str, values: str, *, own: bool = False) -> str:
        """The first of each status along an index, for each value of ``column``; ``own``: values of the caller's."""
        claim = f"unnest({values}) claim cross join " if column else ""
        where = " and ".join(
            [
                "i.status = state",
                *([f"i.{column} = claim"] if column else []),
                *([] if own else [self._mine()]),
                *self._conditions,
            ]
        )
        return (
            f"select found.id, found.place from {claim}unnest({self._statuses}) state cross join lateral ("
            f"select i.id, {self._place} as place from invoice i where {where} order by {self._inner}"
            f" limit {self._rows}) found"
        )

    def _among(self, where: str) -> str:
        every = " and ".join([where, self._mine(), *self._conditions])
        return (
            f"(select i.id, {self._place} as place from invoice i where {every} order by {self._inner}"
            f" limit {self._rows})"
        )

    def _mine(self) -> str:
        """Cheaper than the policy and never narrower for suppliers and bodies: it spares the policy other rows."""
        if self._everything:
            return "true"
        held = self._places
        claims = self._claims((("recipient", held.bodies), ("tenant", held.admin_tenants)))
        either = [f"i.{column} = any ({self._bind(values, 'text[]')})" for column, values in claims if values]
        return f"({' or '.join(either)})" if either else "false"

    def _guests(self) -> Sequence[str]:
        """Invoices of whoever is neither supplier nor recipient: validators, works managers."""
        side, turn = self._wanted.side, self._wanted.turn
        if side in ("issued", "received"):
            return []
        role = "p.role not in ('FOURNISSEUR', 'DESTINATAIRE')"
        if side == "to_validate":
            # The first validator goes on seeing what waits for the second: it is not his turn any more.
            rank = f" and p.rank = {turn[1]}" if turn in ("V1", "V2") else ""
            role = f"p.role = 'VALIDATEUR'{rank}"
        elif side == "works":
            role = "p.role in ('MOE', 'MOA')"
        structures = self._bind(self._places.guests, "text[]")
        return [self._through(f"p.structure = any ({structures}) and {role}")]

    def _deposits(self) -> Sequence[str]:
        """What he deposited himself, of whoever may not see what others deposited for the same supplier."""
        if not self._places.own_deposits or self._wanted.side in ("received", "to_validate"):
            return []
        return [self._through(f"p.depositor = {self._bind(self._subject, 'text')}")]

    def _through(self, parties: str) -> str:
        """``offset 0``: from the few parties to their invoices, never the other way round."""
        every = " and ".join([f"i.status = any ({self._statuses})", *self._conditions])
        return (
            f"(select i.id, {self._place} as place from (select p.invoice from invoice_party p"
            f" where {parties} offset 0) p"
            " cross join lateral (select i.id, i.submitted_at, i.due_on from invoice i"
            f" where i.id = p.invoice and {every} offset 0) i order by {self._inner} limit {self._rows})"
        )


def _cents(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 100)
