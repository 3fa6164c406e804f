"""Settings of software accounts: limits, and where the other services answer."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings


class SoftwareSettings(BaseSettings):
    """``service_urls``: where each service answers, by its name, as JSON; portal asks them for usage and people's data.

    ``writes_each_minute`` and ``writes_each_day`` are ingest's: what a client has that was given nothing else.
    """

    service_urls: dict[str, str] = Field(
        default={name: f"http://{name}:8000" for name in ("ingest", "ocr", "routing", "status", "notify")}
    )
    writes_each_minute: int = Field(default=600, gt=0)
    writes_each_day: int = Field(default=200_000, gt=0)
    tokens_each_minute: int = Field(default=60, gt=0)
    #: How long another service may take to give or erase a person's data.
    person_seconds: float = Field(default=600.0, gt=0)

    @field_validator("service_urls")
    @classmethod
    def _plain(cls, value: dict[str, str]) -> dict[str, str]:
        return {name: url.rstrip("/") for name, url in value.items()}
