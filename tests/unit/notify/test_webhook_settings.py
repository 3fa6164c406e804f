"""Settings of the ways out."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.notify.webhook_settings import WaysOutSettings

GOOD: dict[str, Any] = {
    "kafka": "k:1",
    "dsn": "postgresql://u:a-long-password@h/d",
    "api_dsn": "postgresql://u:a-long-password@h/d",
    "port": 1,
    "token_secret": "t" * 40,
    "webhook_keys": "n" * 32 + ", " + "o" * 40,
}


def test_in_production_secrets_are_sealed_with_a_key_of_the_operator_s() -> None:
    settings = WaysOutSettings(**GOOD)
    assert settings.sealing_keys == ["n" * 32, "o" * 40]
    assert settings.https_only
    with pytest.raises(ValidationError, match="CHORALE_WEBHOOK_KEYS"):
        WaysOutSettings(**{name: value for name, value in GOOD.items() if name != "webhook_keys"})


@pytest.mark.parametrize("keys", ["", "short", "n" * 32 + ",short", ","])
def test_a_short_key_is_refused(keys: str) -> None:
    with pytest.raises(ValidationError, match="CHORALE_WEBHOOK_KEYS"):
        WaysOutSettings(**{**GOOD, "webhook_keys": keys})


def test_networks_that_cannot_be_read_are_refused_at_the_start() -> None:
    assert WaysOutSettings(**{**GOOD, "webhook_networks": "10.0.0.0/8, fd00::/8"})
    with pytest.raises(ValidationError, match="webhook_networks"):
        WaysOutSettings(**{**GOOD, "webhook_networks": "10.0.0.0/99"})


def test_without_an_object_store_there_are_no_folders() -> None:
    assert WaysOutSettings(**GOOD).blobs is None
    store = {"s3_endpoint": "http://s3", "s3_access_key": "a", "s3_secret_key": "a-long-secret"}
    found = WaysOutSettings(**{**GOOD, **store}).blobs
    assert found is not None
    assert found.s3_bucket == "chorale-notify"
