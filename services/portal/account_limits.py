"""How often a network or an address may ask, and the lock after wrong passwords.

Both are counted by what was typed, whether or not it is an account's: so neither tells whether one exists. Addresses
and networks are kept as keyed digests only.
"""

import hashlib
import hmac
import ipaddress
from datetime import datetime, timedelta
from typing import Final

import msgspec
from fastapi import Request

from services.common.db import Connection
from services.common.web import Problem
from services.portal.settings import PortalSettings

_COUNT: Final = (
    "insert into account_rate as r (key, name, seconds, started_at, used) values ($1, $2, $3, now(), 1)"
    " on conflict (key, name) do update set seconds = excluded.seconds,"
    "  used = case when r.started_at + make_interval(secs => $3) <= now() then 1 else r.used + 1 end,"
    "  started_at = case when r.started_at + make_interval(secs => $3) <= now() then now() else r.started_at end"
    " returning used, ceil(extract(epoch from started_at + make_interval(secs => $3) - now()))::int as left"
)
#: The count of wrong passwords begins again after a day without one.
_FORGET: Final = timedelta(days=1)
_TRY: Final = (
    "insert into wrong_password as w (key, failures, last_at) values ($1, 1, $2)"
    " on conflict (key) do update set failures = case when w.locked_until > $2 then w.failures"
    "  when w.last_at < $2 - $3::interval then 1 else w.failures + 1 end, last_at = $2,"
    " locked_until = case when w.locked_until > $2 then w.locked_until end"
    " returning failures, locked_until"
)


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """A password is tried. ``locked_until``: none may be, until then. ``locks_until``: if it is wrong, so long."""

    failures: int
    locked_until: datetime | None
    locks_until: datetime | None


class Limits:
    """Counts in the database, so that all instances count together."""

    def __init__(self, settings: PortalSettings) -> None:
        self._key = hmac.new(settings.secret.encode(), b"chorale/portal/limits", hashlib.sha256).digest()
        self._settings = settings

    def key(self, what: str, text: str) -> bytes:
        """What is counted by."""
        return hmac.new(self._key, f"{what}/{text}".encode("utf-8", "replace"), hashlib.sha256).digest()

    async def network(self, connection: Connection, request: Request, *, times: int = 1) -> None:
        """Count a request of this network, ``times`` as many of a lighter kind. Raises a 429 problem."""
        where, name = f"network/{network_of(request, whole=True)}", "minute" if times == 1 else f"minute-{times}"
        await self._count(connection, where, name, times * self._settings.network_each_minute, 60)

    async def sign_up(self, connection: Connection, request: Request) -> None:
        """Count a sign-up of this network. Raises a 429 problem beyond its hour."""
        where = f"network/{network_of(request, whole=True)}"
        await self._count(connection, where, "sign-up", self._settings.network_sign_ups_each_hour, 3600)

    async def trial(self, connection: Connection, request: Request) -> None:
        """Count a document tried by this network without an account. Raises a 429 problem beyond its hour."""
        where = f"network/{network_of(request, whole=True)}"
        await self._count(connection, where, "trial", self._settings.network_trials_each_hour, 3600)

    async def mail(self, connection: Connection, email_key: str, source: str) -> None:
        """Count a mail asked for this address, an account's or not. Raises a 429 problem beyond its hour.

        ``source``: the network that asks, or who is signed in. Each has its own few, so that a stranger does not use up
        the owner's; all together have more, so that nobody's inbox is filled. Whoever is refused by these has links in
        his inbox, of which the last lives for that hour.
        """
        each, most = self._settings.address_mails_each_hour, self._settings.address_mails_most_each_hour
        await self._count(connection, f"mail/{source}/{email_key}", "mail", each, 3600)
        await self._count(connection, f"mail/{email_key}", "mails", most, 3600, _INBOX)

    async def _count(
        self, connection: Connection, what: str, name: str, quota: int, seconds: int, advice: str = ""
    ) -> None:
        row = await connection.fetchrow(_COUNT, self.key("rate", what), name, seconds)
        assert row is not None
        if row["used"] > quota:
            raise _too_many(quota, seconds, max(1, row["left"]), advice)

    async def begin(self, connection: Connection, key: bytes, now: datetime) -> Try:
        """A password is about to be tried: counted as wrong first, so that many at once count too."""
        row = await connection.fetchrow(_TRY, key, now, _FORGET)
        assert row is not None
        failures, locked = row["failures"], row["locked_until"]
        if locked is not None:
            return Try(failures=failures, locked_until=locked, locks_until=None)
        until = now + self._lock(failures) if failures >= self._settings.lock_after else None
        if until is not None:
            await connection.execute("update wrong_password set locked_until = $2 where key = $1", key, until)
        return Try(failures=failures, locked_until=None, locks_until=until)

    async def succeeded(self, connection: Connection, *keys: bytes) -> None:
        """It was right, or the person has shown otherwise who he is."""
        await connection.execute("delete from wrong_password where key = any($1::bytea[])", list(keys))

    async def sweep(self, connection: Connection) -> None:
        """Forget what has run out."""
        await connection.execute("delete from account_rate where started_at + make_interval(secs => seconds) < now()")
        await connection.execute(
            "delete from wrong_password where last_at < now() - $1::interval"
            " and (locked_until is null or locked_until < now())",
            _FORGET,
        )

    def _lock(self, failures: int) -> timedelta:
        """The first lock, doubled at each wrong password after it."""
        beyond = min(failures - self._settings.lock_after, 20)
        return timedelta(seconds=min(self._settings.lock_ceiling_seconds, self._settings.lock_seconds * 2.0**beyond))


def network_of(request: Request, *, whole: bool = False) -> str:
    """Where a request comes from: coarse (/24, /48) to be shown, ``whole`` (the address, /64) to be counted by."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "?"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = (32 if whole else 24) if address.version == 4 else (64 if whole else 48)
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


_BROWSERS: Final = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl", "python-httpx")
_SHOWN: Final = {"Edg": "Edge", "OPR": "Opera", "python-httpx": "programme"}
_SYSTEMS: Final = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS"}


def agent_of(request: Request) -> str:
    """The browser's and the system's family, nothing finer."""
    text = request.headers.get("user-agent", "")
    browser = next((name for name in _BROWSERS if name in text), None)
    system = next((shown for name, shown in _SYSTEMS.items() if name in text), "Linux" if "Linux" in text else None)
    parts = [_SHOWN.get(browser, browser) if browser else None, system]
    return ", ".join(part for part in parts if part) or "inconnu"


_FIRST: Final = (
    "Trop de mots de passe faux ont été essayés pour cette adresse. La connexion par mot de passe",
    "Choisir un nouveau mot de passe par le lien « mot de passe oublié » lève la suspension.",
)
_SECOND: Final = (
    "Trop de codes faux ont été essayés pour ce compte. La connexion par mot de passe et second facteur",
    "Si ce n'était pas vous, quelqu'un connaît votre mot de passe : choisissez-en un autre.",
)


def locked(until: datetime, now: datetime, *, second: bool = False) -> Problem:
    """The answer while the lock runs: the same for an address that has an account and for one that has none.

    ``second``: of the second factor, which is asked only of who has the password.
    """
    left = max(1, int((until - now).total_seconds()) + 1)
    said, action = _SECOND if second else _FIRST
    return Problem(
        429,
        "SIGN_IN_LOCKED",
        "Connexion suspendue",
        f"{said} est suspendue jusqu'au {show_end(until)} ; elle reprend ensuite d'elle-même. {action}",
        errors=[
            {
                "field": "totp" if second else "email",
                "value": until.isoformat(),
                "rule": "SIGN_IN_LOCKED",
                "message": f"{said} est suspendue.",
                "action": action,
            }
        ],
        headers={"Retry-After": str(left)},
    )


def show_instant(instant: datetime) -> str:
    """``24/11/2026 à 09:30``, the hour of Paris."""
    from zoneinfo import ZoneInfo

    return instant.astimezone(ZoneInfo("Europe/Paris")).strftime("%d/%m/%Y à %H:%M")


def show_end(instant: datetime) -> str:
    """As :func:`show_instant`, never too early: whoever comes in that minute finds it over."""
    return show_instant(instant + timedelta(seconds=60, microseconds=-1))


#: Said of every address, whether or not it has an account.
_INBOX: Final = " Les liens des courriels déjà reçus à cette adresse servent encore, jusqu'à l'heure qu'ils indiquent."


def _too_many(quota: int, seconds: int, left: int, advice: str) -> Problem:
    window = "heure" if seconds >= 3600 else "minute"
    return Problem(
        429,
        "TOO_MANY_REQUESTS",
        "Trop de demandes",
        f"Cette demande ne peut être faite que {quota} fois par {window} : recommencez dans {left} secondes.{advice}",
        headers={"Retry-After": str(left)},
    )
