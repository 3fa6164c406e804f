"""Settings of software accounts: how often a token, and where the other services answer."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings


class SoftwareSettings(BaseSettings):
    """``service_urls``: where each service answers, by name, as JSON; portal asks them for usage and people's data."""

    service_urls: dict[str, str] = Field(
        default={name: f"http://{name}:8000" for name in ("ingest", "ocr", "routing", "status", "notify")}
    )
    tokens_each_minute: int = Field(default=60, gt=0)
    #: How long another service may take to give or erase a person's data.
    person_seconds: float = Field(default=600.0, gt=0)

    @field_validator("service_urls")
    @classmethod
    def _plain(cls, value: dict[str, str]) -> dict[str, str]:
        return {name: url.rstrip("/") for name, url in value.items()}
