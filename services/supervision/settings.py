"""Settings of supervision."""

from pydantic import Field

from services.common.settings import ServiceSettings


class SupervisionSettings(ServiceSettings):
    """What supervision needs beside the common settings.

    ``service_urls``: the address of each service inside the platform (JSON object), where its metrics and its
    ``/internal`` routes are. ``watch_seconds`` between two looks at them and at Kafka, ``sample_seconds`` between two
    points of the curves. ``inbox_days``: an event that its writer sent twice is recognised for that long.
    """

    service_urls: dict[str, str] = Field(default_factory=dict)
    watch_seconds: float = Field(default=1.0, gt=0)
    sample_seconds: int = Field(default=10, gt=0)
    batch_linger_ms: int = 100
    inbox_days: int = 2
    commit_seconds: float = 0.5
