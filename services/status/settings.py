"""Settings of the status service."""

from datetime import timedelta
from typing import Final

from services.common.settings import ServiceSettings

#: How long the live feed can be resumed: sent rows of the outbox are kept that long.
FEED_KEPT: Final = timedelta(days=7)


class StatusSettings(ServiceSettings):
    """``feed_clients`` bounds the open feeds of one instance; ``feed_clients_each`` those of one subject: nobody may
    take them all. ``feed_seconds`` ends one, so that its token is checked again. A client that takes no byte for
    ``feed_write_seconds`` is let go."""

    feed_clients: int = 1000
    feed_clients_each: int = 20
    feed_seconds: float = 3600.0
    feed_write_seconds: float = 30.0
    feed_heartbeat_seconds: float = 15.0
    figures_seconds: float = 5.0
