"""Settings of the routing service."""

from typing import Self

import msgspec

from services.common.settings import ServiceSettings


class RoutingSettings(ServiceSettings):
    """``directory_cache``: structures kept in memory; ``import_limit_mb``: the largest directory file taken by HTTP.

    ``answer_seconds`` is how long a request may take, which an import of that size needs; a search ends after
    ``search_seconds``. The open-data export is written anew every ``export_seconds`` where the directory changed.
    ``messages_url``: where notify's API answers, ``public_url`` unless given. ``deposit_page``: where the page for
    deposits stands below ``public_url``.
    """

    public_url: str
    messages_url: str | None = None
    directory_cache: int = 20_000
    import_limit_mb: int = 32
    import_json_limit_mb: int = 16
    answer_seconds: float = 120.0
    search_seconds: float = 5.0
    export_seconds: float = 60.0
    deposit_page: str = "/deposer"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the API allows: bytes of an import (whole JSON documents are held in memory), seconds of a search."""

    import_lines: int
    import_json: int
    search_seconds: float
    deposit_page: str
    messages_url: str = ""

    @classmethod
    def of(cls, settings: RoutingSettings) -> Self:
        """The limits that the settings say."""
        return cls(
            import_lines=settings.import_limit_mb * 2**20,
            import_json=settings.import_json_limit_mb * 2**20,
            search_seconds=settings.search_seconds,
            deposit_page=settings.public_url.rstrip("/") + settings.deposit_page,
            messages_url=settings.messages_url or settings.public_url,
        )
