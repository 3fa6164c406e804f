"""Default secrets are refused outside development."""

import pytest
from pydantic import ValidationError

from services.common.settings import DEVELOPMENT_SECRET, BlobSettings

GOOD = {
    "kafka": "127.0.0.1:9092",
    "dsn": "postgresql://chorale_ingest:Zq3v9w8e7r6t5y4u@db/chorale",
    "api_dsn": "postgresql://chorale_ingest_api:Zq3v9w8e7r6t5y4u@db/chorale",
    "port": 8000,
    "token_secret": "0123456789abcdef0123456789abcdef-of-production",
    "s3_endpoint": "http://s3:8333",
    "s3_access_key": "key",
    "s3_secret_key": "another-long-secret-of-production",
}


def test_production_starts_with_good_secrets() -> None:
    assert BlobSettings.model_validate(GOOD).environment == "production"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token_secret", DEVELOPMENT_SECRET),
        ("token_secret", "short"),
        ("dsn", "postgresql://chorale_ingest:chorale@db/chorale"),
        ("dsn", "postgresql://chorale_ingest@db/chorale"),
        ("s3_secret_key", "minioadmin"),
    ],
)
def test_production_refuses_a_default_secret_and_names_it(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=f"CHORALE_{name.upper()}"):
        BlobSettings.model_validate({**GOOD, name: value})
    assert BlobSettings.model_validate({**GOOD, name: value, "environment": "development"})


def test_secrets_do_not_show_in_a_printed_settings_object() -> None:
    assert "Zq3v9w8e7r6t5y4u" not in repr(BlobSettings.model_validate(GOOD))
