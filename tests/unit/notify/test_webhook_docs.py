"""The receiver that the docs show does what they say."""

import json
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from services.notify.webhook_rules import EVENT_TYPES, TEST_TYPE
from services.notify.webhook_settings import WaysOutSettings
from services.notify.webhook_signing import new_secret, signed_headers

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "webhooks.md").read_text(encoding="utf-8")


def example() -> dict[str, Any]:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = {"__name__": "example"}
    exec(code, found)
    return found


def test_the_documented_receiver_verifies_and_keeps_each_event_once() -> None:
    receiver, old, new, event = example(), new_secret("hmac"), new_secret("hmac"), uuid4()
    body = json.dumps({"id": str(event)}).encode()
    headers = signed_headers([new, old], event, datetime.now(UTC), body)
    assert receiver["verify"](old.shown, headers, body)
    assert receiver["verify"](new.shown, headers, body)
    assert not receiver["verify"](new_secret("hmac").shown, headers, body)
    assert not receiver["verify"](new.shown, headers, body + b" ")
    late = signed_headers([new], event, datetime.now(UTC) - timedelta(minutes=6), body)
    assert not receiver["verify"](new.shown, late, body)
    database = sqlite3.connect(":memory:")
    database.execute("create table taken (id text primary key, event text)")
    assert [receiver["take"](database, json.loads(body)) for _ in range(2)] == [True, False]
    database.close()


def test_the_page_names_every_event_and_every_setting_it_names_exists() -> None:
    for name in (*EVENT_TYPES, TEST_TYPE):
        assert name in PAGE
    text = PAGE + (DOCS / "outgoing-files.md").read_text(encoding="utf-8")
    for name in re.findall(r"`CHORALE_([A-Z0-9_]+)`", text):
        assert name.lower() in WaysOutSettings.model_fields, name
