"""What stands in a service's copy of the rights about one subject, and about one session of it."""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from contracts.events import Grant
from services.common.db import Connection, Pool
from services.common.principal import Principal, of_grants

_READ: Final = (
    "select version, kind, state, grants::text, scopes, sessions_from, writes_each_minute, writes_each_day,"
    " exists (select from revoked_session where session = $2) as revoked from account_right where subject = $1"
)
_grants = msgspec.json.Decoder(tuple[Grant, ...])


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it was read. ``read_at`` is monotonic; ``revoked`` says that the session is over."""

    read_at: float
    version: int
    kind: str
    state: str
    grants: tuple[Grant, ...]
    scopes: tuple[str, ...]
    sessions_from: datetime | None
    writes_each_minute: int | None
    writes_each_day: int | None
    revoked: bool

    def at(self, now: datetime) -> tuple[tuple[Grant, ...], float]:
        """The rights that hold now, and until when that is so (seconds since the epoch)."""
        edges = (edge for grant in self.grants for edge in (grant.since, grant.until) if edge is not None)
        held = tuple(
            g for g in self.grants if (g.since is None or g.since <= now) and (g.until is None or now < g.until)
        )
        return held, min((edge.timestamp() for edge in edges if edge > now), default=float("inf"))

    def open_to(self, issued: float, ver: int) -> bool:
        """Whether what was given then still counts. What is as new as the account came after ``sessions_from``."""
        if self.state != "active" or self.revoked:
            return False
        since = self.sessions_from
        return since is None or issued > since.timestamp() or ver >= self.version

    def principal(
        self, subject: str, grants: Iterable[Grant], scopes: Iterable[str], token: Principal | None = None
    ) -> Principal:
        """The subject with these rights; ``token`` gives what a token says of itself."""
        said = ("expires", "session", "issued", "kid", "ver") if token else ()
        others = {name: getattr(token, name) for name in said}
        return of_grants(
            subject,
            grants,
            kind=self.kind,
            scopes=tuple(scopes),
            writes_each_minute=self.writes_each_minute,
            writes_each_day=self.writes_each_day,
            **others,
        )


async def read(connection: Connection | Pool, subject: str, session: str | None) -> Account | None:
    """What the copy says now; None where it does not know the subject."""
    read_at = time.monotonic()
    row = await connection.fetchrow(_READ, subject, session)
    if row is None:
        return None
    grants = tuple(filter(_readable, _grants.decode(row["grants"])))
    return Account(read_at=read_at, **{**row, "grants": grants, "scopes": tuple(row["scopes"])})


async def held(connection: Connection, subject: str, now: datetime) -> Principal | None:
    """What a subject may do, read in the running transaction; None where it has no account here.

    An account that is not active may do nothing.
    """
    found = await read(connection, subject, None)
    if found is None:
        return None
    return found.principal(subject, found.at(now)[0] if found.state == "active" else (), found.scopes)


def _readable(grant: Grant) -> bool:
    """Lists are joined by commas for row-level security: a right that held one would be more than one right."""
    return not any("," in (place or "") for place in (grant.role, grant.structure, grant.service, grant.tenant))
