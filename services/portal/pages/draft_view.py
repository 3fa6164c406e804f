"""A draft as its page shows it: the fields beside the document, the recipient's services and demands, what is wrong."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.portal.pages import draft_form, draft_works
from services.portal.pages.draft_form import Entry, Said
from services.portal.pages.format import show_siret
from services.portal.pages.forms import Form
from services.portal.pages.page import Page

DRAFTS: Final = "/api/v1/drafts"
STRUCTURES: Final = "/api/v1/directory/structures"
#: Lines that a form of this size can carry; drafts with more are written by program.
LINES_SHOWN: Final = 300
#: Why nothing, or not enough, was read.
UNREAD: Final = frozenset(("SCAN_ONLY", "NOTHING_RECOGNISED"))
#: What the bar above says already: nothing is sent before somebody has validated.
_SAID: Final = frozenset(("DRAFT_ASKED",))
_DEPOSITS: Final = frozenset(("FOURNISSEUR", "DEPOSANT", "MOE", "MOA"))
_REGIMES: Final = ("TVA_SUR_DEBIT", "TVA_SUR_ENCAISSEMENT", "FRANCHISE", "AUTOLIQUIDATION", "EXONERATION")
_PAYMENTS: Final = ("VIREMENT", "PRELEVEMENT", "CHEQUE", "ESPECE", "AUTRE", "REPORT")
_CURRENCIES: Final = ("EUR", "USD", "GBP", "CHF", "XPF")


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Who is invoiced. ``body``: the structure of the SIRET; ``hits``: what a name that was written there may mean."""

    body: dict[str, Any] | None = None
    guide: dict[str, Any] | None = None
    hits: tuple[dict[str, Any], ...] = ()
    away: bool = False


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of the page."""

    draft: dict[str, Any]
    fields: dict[str, Entry]
    recipient: Recipient
    cadre: dict[str, Any] | None
    pieces: int
    elsewhere: list[Said]
    line_checks: dict[str, list[Said]]
    lines: list[dict[str, str]]
    choices: dict[str, list[tuple[str, str]]]
    unread: list[dict[str, Any]]
    readings: list[dict[str, Any]]
    needed: frozenset[str]


async def gather(page: Page, draft: dict[str, Any], form: Form | None, *, asked: bool, lines: int = 0) -> Shown:
    """Ask the services for what the page needs beside the draft. ``form``: what was sent and could not be saved."""
    labels = {name: page.t(f"draft.f_{name}") for name in draft_form.FIELDS}
    fields = draft_form.entries(draft, form, labels, asked=asked)
    written = fields["recipient_siret"].value
    recipient, cadres, pieces = await asyncio.gather(
        recipient_of(page, written),
        page.call.get("ingest", f"{DRAFTS}/questions"),
        page.call.get("ingest", f"/api/v1/deposits/{draft['id']}/attachments"),
    )
    code = _value(draft, "cadre") or "A1"
    cadre = next((each for each in (cadres.data or {}).get("cadres", []) if each["code"] == code), None)
    works = await draft_works.pieces_of(page, cadre, fields["works_file"].value)
    typed = draft_form.lines(form) if form is not None else None
    return Shown(
        draft=draft,
        fields=fields,
        recipient=recipient,
        cadre=cadre,
        pieces=len((pieces.data or {}).get("attachments", [])),
        elsewhere=draft_form.elsewhere(draft, asked=asked),
        line_checks=draft_form.of_lines(draft, asked=asked),
        lines=_padded(draft, typed, lines),
        choices=_choices(page, fields, recipient, draft_works.options(page, cadre, works)),
        unread=[each for each in draft["reading"] if each["code"] in UNREAD],
        readings=[each for each in draft["reading"] if each["code"] not in UNREAD | _SAID and each["level"] != "ok"],
        needed=needed(recipient.body, fields["service_code"].value),
    )


def _value(draft: Mapping[str, Any], name: str) -> str | None:
    return next((field["value"] for field in draft["fields"] if field["name"] == name), None)


def _padded(draft: Mapping[str, Any], typed: list[dict[str, str]] | None, wanted: int) -> list[dict[str, str]]:
    """The lines with an empty one to write on, where the invoice is typed."""
    found = [dict(each) for each in (draft["lines"] if typed is None else typed)]
    if draft["links"]["document"] and not found:
        return []
    blank = dict.fromkeys(draft_form.LINE, "")
    most = min(LINES_SHOWN, max(len(found) + 1, wanted))
    return found + [dict(blank) for _ in range(max(0, most - len(found)))]


async def recipient_of(page: Page, written: str) -> Recipient:
    """The structure of a SIRET with what it asks for; for anything else the structures that may be meant."""
    siret = "".join(written.split())
    if len(siret) == 14 and siret.isascii() and siret.isdigit():
        body, guide = await asyncio.gather(
            page.call.get("routing", f"{STRUCTURES}/{siret}"), page.call.get("routing", f"{STRUCTURES}/{siret}/guide")
        )
        away = body.problem is not None and body.problem.away
        return Recipient(body=body.data, guide=guide.data, away=away)
    if len(written) < 3:
        return Recipient()
    answer = await page.call.get("routing", STRUCTURES, {"q": written[:200], "limit": 6})
    hits = tuple(each for each in answer.data or () if each["active"])
    return Recipient(hits=hits, away=answer.problem is not None and answer.problem.away)


def _choices(
    page: Page, fields: Mapping[str, Entry], recipient: Recipient, more: Mapping[str, list[tuple[str, str]]]
) -> dict[str, list[tuple[str, str]]]:
    """What may be chosen from lists, by field: values and words. A value that is not in the list stays in it.

    ``more``: lists that others made.
    """
    none = ("", page.t("draft.choose"))
    found = {
        "type_code": [("380", page.t("draft.type_380")), ("381", page.t("draft.type_381"))],
        "vat_regime": [none, *((each, page.t(f"draft.regime_{each}")) for each in _REGIMES)],
        "payment_mode": [none, *((each, page.t(f"draft.payment_{each}")) for each in _PAYMENTS)],
        "currency": [(each, each) for each in _CURRENCIES],
        **more,
    }
    places = [place for place in page.me.places if set(place.roles) & _DEPOSITS]
    if places:
        found["supplier_siret"] = [none, *((each.key, f"{each.name} ({siret_words(each.key)})") for each in places)]
    services = services_of(recipient.body)
    if services:
        found["service_code"] = [("", page.t("draft.no_service")), *services]
    for name, options in found.items():
        value = fields[name].value
        if value and value not in [each for each, _ in options]:
            options.append((value, page.t("draft.not_listed", value=value)))
    return found


def needed(body: Mapping[str, Any] | None, service: str) -> frozenset[str]:
    """The references that may not be left out for this recipient and service, or of which one may not."""
    asked = (body or {}).get("demands")
    if body is None or not asked:
        return frozenset()
    own = next((each["engagement_required"] for each in body["services"] if each["code"] == service), None)
    found = {
        "service_code": asked["service_required"] or asked["service_or_engagement"],
        "engagement": (asked["engagement_required"] if own is None else own) or asked["service_or_engagement"],
        "contract": asked["market"] == "refuse",
    }
    return frozenset(name for name, must in found.items() if must)


def services_of(body: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The services of a structure that suppliers can address today."""
    if body is None:
        return []
    return [
        (each["code"], f"{each['code']} – {each['label']}")
        for each in body["services"]
        if each["open_today"] and not each["reserved"]
    ]


def siret_words(value: str) -> str:
    """A SIRET as it is read aloud."""
    return str(show_siret(value))
