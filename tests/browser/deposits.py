"""What Claire has deposited for the browser tests: each thing made once for each name, by the same API as the pages."""

import io
import time
import zipfile
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from tests.browser.world import TOWN, Platform
from tests.documents import SUPPLIER, InvoicePdf, encrypted, scanned
from tests.integration.account_world import SIRET

PATIENCE = 60.0
OVER = ("to_verify", "submitted", "refused", "duplicate")


def paper(number: str, **more: Any) -> bytes:
    """An invoice of Claire's workshop for the département, as a PDF."""
    given: dict[str, Any] = {"service_code": "DRH", "supplier": replace(SUPPLIER, siret=SIRET), **more}
    return InvoicePdf(number=number, **given).render()


def archive(**files: bytes) -> bytes:
    """A ZIP of these, by name without its ending."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, content in files.items():
            packed.writestr(f"{name}.pdf", content)
    return made.getvalue()


def deposit(platform: Platform, name: str, content: bytes, *, review: bool, who: str = "claire", **form: str) -> str:
    """The id of a deposit that is read and checked; the same for the same name. ``form``: as in the API."""
    if (known := f"deposit {who} {name}") in platform.made:
        return platform.made[known]
    headers = {**platform.token(who), "Idempotency-Key": f"browser-{name}"}
    files = {"file": (f"{name}.pdf", content, "application/pdf")}
    data = {**form, "as_draft": "oui"} if review else form
    answer = platform.http.post(f"{platform.url}/api/v1/deposits", headers=headers, files=files, data=data)
    answer.raise_for_status()
    id_ = str(answer.json()["id"])
    settled(platform, id_, who)
    platform.made[known] = id_
    return id_


def settled(platform: Platform, id_: str, who: str = "claire") -> dict[str, Any]:
    """A deposit once it is read and checked."""
    until, headers = time.monotonic() + PATIENCE, platform.token(who)
    while True:
        answer = platform.http.get(f"{platform.url}/api/v1/deposits/{id_}", headers=headers)
        found: dict[str, Any] = answer.raise_for_status().json()
        if found["state"] in OVER:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.2)


def draft(platform: Platform, name: str = "brouillon", **more: Any) -> str:
    """The id of a draft that was read from a page."""
    return deposit(platform, name, paper(f"E-26-{name}"[:20], **more), review=True)


def scan(platform: Platform) -> str:
    """The id of a draft of a scan, of which nothing was read."""
    return deposit(platform, "numerisation", scanned(7), review=True)


def typed(platform: Platform) -> str:
    """The id of a draft without a document."""
    made = platform.ask("claire", "POST", "/api/v1/drafts", {"fields": {}}, once="browser-typed-row")
    return str(made["id"])


def lined(platform: Platform) -> str:
    """The id of a draft without a document that has lines, and what they come to."""
    lines = [
        {"label": "Pose de fenêtres", "quantity": "2,5", "unit": "jour", "unit_price": "480,333", "vat_rate": "20"},
        {"label": "Documentation", "quantity": "1", "unit_price": "35,90", "vat_rate": "5,5"},
    ]
    fields = {"recipient_siret": TOWN, "service_code": "DRH", "invoice_number": "E-2026-LIGNES"}
    asked = {"fields": {**fields, "issue_date": "2/3/2026"}, "lines": lines}
    made = platform.ask("claire", "POST", "/api/v1/drafts", asked, once="browser-lined-row")
    return str(made["id"])


def sent(platform: Platform) -> str:
    """The id of a deposit that was sent."""
    return deposit(platform, "envoyee", _sent_paper(), review=False)


@cache
def _sent_paper() -> bytes:
    return paper("E-2026-ENVOYEE")


def again(platform: Platform) -> str:
    """The id of a deposit of the very file of the one that was sent."""
    sent(platform)
    return deposit(platform, "encore", _sent_paper(), review=False)


def refused(platform: Platform) -> str:
    """The id of a deposit that was refused for its service."""
    return deposit(platform, "refusee", paper("E-2026-REFUSEE", service_code="NEXISTEPAS"), review=False)


def unreadable(platform: Platform) -> str:
    """The id of a deposit that could not be opened."""
    return deposit(platform, "chiffree", encrypted(3), review=False)


def rejected_flows(platform: Platform) -> str:
    """The operator's list, once supervision has read of that flow's end."""
    wanted = flow(platform)
    until = time.monotonic() + PATIENCE
    while wanted not in [one["flow"] for one in platform.ask("otto", "GET", "/api/v1/supervision/flows")["flows"]]:
        assert time.monotonic() < until, wanted
        time.sleep(0.2)
    return "/supervision/flux"


def flow(platform: Platform, name: str = "archive") -> str:
    """The id of a flow that is over, one of its invoices sent and the others not; made once for each name."""
    if f"flow {name}" in platform.made:
        return platform.made[f"flow {name}"]
    packed = archive(
        bonne=paper(f"E-{name}-1"[:20]),
        a_completer=paper(f"E-{name}-2"[:20], wrong_sum=Decimal(1)),
        refusee=paper(f"E-{name}-3"[:20], service_code="NEXISTEPAS"),
        chiffree=encrypted(5),
    )
    path = f"{platform.url}/api/v1/flows?name={name}.zip"
    answer = platform.http.post(path, headers=platform.token(), content=packed)
    answer.raise_for_status()
    until = time.monotonic() + PATIENCE
    while True:
        found = platform.ask("claire", "GET", f"/api/v1/flows/{answer.json()['id']}")
        if found["progress"] >= 1:
            platform.made[f"flow {name}"] = str(found["id"])
            return str(found["id"])
        assert time.monotonic() < until, found
        time.sleep(0.2)
