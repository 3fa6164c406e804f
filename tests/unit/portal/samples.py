"""Settings of a portal that is not run."""

from typing import Any

from services.portal.settings import PortalSettings

SECRET = "a secret of the tests that is long enough"


def settings(**more: Any) -> PortalSettings:
    """The defaults, but for what is said."""
    return PortalSettings(
        **{
            "environment": "development",
            "kafka": "localhost:1",
            "dsn": "postgresql://x",
            "api_dsn": "postgresql://x",
            "port": 1,
            "token_secret": SECRET,
            "s3_endpoint": "http://localhost:1",
            "s3_access_key": "x",
            "s3_secret_key": "x",
            "public_url": "https://factures.example",
            **more,
        }
    )
