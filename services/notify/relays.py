"""The relays in the order of preference, and which of them answers. One that does not is left alone for a while."""

import time
from collections.abc import Callable, Sequence
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from services.common.failures import backoff

Tls = Literal["auto", "starttls", "tls", "none"]
_TLS: tuple[Tls, ...] = ("auto", "starttls", "tls", "none")
_REST_CEILING = 60.0


class RelayAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One relay: where it is, how it is spoken to, and as whom."""

    host: str
    port: int
    tls: Tls = "auto"
    username: str | None = None
    password: str | None = None

    @property
    def place(self) -> str:
        """Host and port, as attempts and proofs name it."""
        return f"{self.host}:{self.port}"


def parse(text: str) -> RelayAddress:
    """A relay of the settings: ``smtp://user:password@host:587?tls=starttls``. Raises ``ValueError``."""
    parts = urlsplit(text)
    chosen = parse_qs(parts.query).get("tls", ["auto"])[0]
    tls = next((known for known in _TLS if known == chosen), None)
    if parts.scheme != "smtp" or not parts.hostname or tls is None:
        raise ValueError("a relay is written smtp://user:password@host:port?tls=auto|starttls|tls|none")
    return RelayAddress(
        host=parts.hostname,
        port=parts.port or 25,
        tls=tls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class Relays:
    """Which relay to try. ``clock`` gives monotonic seconds."""

    def __init__(self, addresses: Sequence[RelayAddress], clock: Callable[[], float] = time.monotonic) -> None:
        self._addresses = list(addresses)
        self._clock = clock
        self._failures = dict.fromkeys(self._addresses, 0)
        self._rests_until = dict.fromkeys(self._addresses, 0.0)

    def order(self) -> list[RelayAddress]:
        """Those that may answer, best first; all of them when every one rests, so that one trial finds the first."""
        now = self._clock()
        awake = [one for one in self._addresses if self._rests_until[one] <= now]
        return awake or list(self._addresses)

    def best(self, than: RelayAddress) -> bool:
        """Whether no better relay than this one may be tried now."""
        return self.order()[0] == than or than not in self.order()

    def answered(self, relay: RelayAddress) -> None:
        """It took a connection."""
        self._failures[relay] = 0
        self._rests_until[relay] = 0.0

    def refused(self, relay: RelayAddress) -> None:
        """It could not be reached, or wants nothing of us: let it rest, the longer the oftener."""
        self._failures[relay] += 1
        self._rests_until[relay] = self._clock() + backoff(self._failures[relay], base=1.0, ceiling=_REST_CEILING)
