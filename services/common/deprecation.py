"""Routes that will go, announced on every answer (RFC 9745 ``Deprecation``, RFC 8594 ``Sunset``) and described as such.

A service names them in ``app.state.deprecated``, by ``METHOD /path`` as the description spells it.
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import msgspec

Headers = list[tuple[bytes, bytes]]


class Deprecated(msgspec.Struct, frozen=True, kw_only=True):
    """``since`` and ``sunset``: aware instants; then the route may be gone. ``successor``: its address."""

    since: datetime
    sunset: datetime
    successor: str | None = None

    def headers(self) -> Headers:
        """What every answer of the route carries."""
        found = [
            (b"deprecation", f"@{int(self.since.timestamp())}".encode()),
            (b"sunset", format_datetime(self.sunset, usegmt=True).encode()),
        ]
        if self.successor is not None:
            found.append((b"link", f'<{self.successor}>; rel="successor-version"'.encode()))
        return found


def announced(table: Mapping[str, Deprecated], method: str, path: str) -> Headers:
    """The headers of a route; none of one that stays."""
    found = table.get(f"{method} {path}")
    return [] if found is None else found.headers()


def mark(schema: dict[str, Any], table: Mapping[str, Deprecated]) -> None:
    """Say so in an OpenAPI description. Raises KeyError for a route that it does not have."""
    for name in table:
        method, _, path = name.partition(" ")
        schema["paths"][path][method.lower()]["deprecated"] = True
