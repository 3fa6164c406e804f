"""One invoice as its page shows it: the story by lanes, the law's clock, what may be done. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from invoice.motifs import MOTIFS, canonical
from services.portal.pages import help_names
from services.portal.pages.format import show_amount, show_date
from services.portal.pages.words import Words

#: From left to right: from whom an invoice comes to whom it goes. MOE and MOA have a lane where there are any.
LANES: Final = ("supplier", "validator", "works", "service", "finance", "accountant", "platform")
_LANE_OF: Final = {
    "F": "supplier",
    "V1": "validator",
    "V2": "validator",
    "MOE": "works",
    "MOA": "works",
    "C": "accountant",
}
#: What the body does with money is its finance department's, whoever signs.
_FINANCE: Final = frozenset(
    (
        "mandate",
        "correct_mandate_number",
        "hand_to_comptable",
        "book",
        "put_in_payment",
        "partial_payment",
        "admit_amount",
        "settle_amount",
        "fetched",
    )
)
_FINANCE_STATUSES: Final = frozenset(("MANDATEE", "MISE_A_DISPOSITION_COMPTABLE", "COMPTABILISEE", "MISE_EN_PAIEMENT"))
_DAYS: Final = frozenset(("done_on", "paid_on", "file_started_on"))
_AMOUNTS: Final = frozenset(("paid_amount", "admitted_amount", "settled_amount"))
#: What only the platform reckons with.
_SILENT: Final = frozenset(("file_proof", "next_piece"))


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the story. ``kind``: status, mail, delay, action, question; ``who``: a name, if it may be known."""

    entry: int
    at: str
    lane: str
    kind: str
    title: str
    who: str = ""
    tone: str = ""
    motif: str | None = None
    comment: str | None = None
    reasons: tuple[Mapping[str, Any], ...] = ()
    changes: tuple[tuple[str, str | None, str | None], ...] = ()
    path: str | None = None

    @property
    def anchor(self) -> str:
        """What its place on the page is called: questions count their entries each for itself."""
        asked = f"-{self.path.rpartition('/')[2]}" if self.kind == "question" and self.path else ""
        return f"e-{self.kind}{asked}-{self.entry}"


class Story(msgspec.Struct, frozen=True):
    """``lanes``: those in which something happened; ``told``: in the order of time."""

    lanes: tuple[str, ...]
    told: tuple[Told, ...]


def story(
    history: Sequence[Mapping[str, Any]],
    t: Words,
    *,
    people: Mapping[str, str],
    files: Mapping[str, str],
    more: Iterable[Told] = (),
) -> Story:
    """The story. ``people``: names by subject; ``files``: names of documents by id; ``more``: told by others.

    A question stands in the history and, for whoever sees it, in ``more`` with its words and its link: once is enough.
    """
    others = list(more)
    paths = {one.path for one in others if one.path}
    own = [_told(each, t, people, files) for each in history if not _told_by(each, paths)]
    told = sorted([*own, *others], key=lambda one: (one.at, one.entry))
    there = {one.lane for one in told}
    return Story(tuple(lane for lane in LANES if lane in there), tuple(told))


def question_path(entry: Mapping[str, Any]) -> str | None:
    """The page of the question that an entry is about."""
    asked = entry.get("solicitation")
    return f"/sollicitations/{asked['id']}" if asked else None


def _told_by(entry: Mapping[str, Any], paths: Collection[str]) -> bool:
    return question_path(entry) in paths


def lane_of(entry: Mapping[str, Any]) -> str:
    """Whose line an entry stands on."""
    actor = str(entry["actor"])
    if entry["kind"] in ("notice", "delay") or actor == "S":
        return "platform"
    if actor == "D":
        money = entry["action"] in _FINANCE or entry["status_to"] in _FINANCE_STATUSES
        return "finance" if money else "service"
    return _LANE_OF.get(actor, "platform")


def _told(entry: Mapping[str, Any], t: Words, people: Mapping[str, str], files: Mapping[str, str]) -> Told:
    kind = {"notice": "mail"}.get(entry["kind"], entry["kind"])
    failed = entry["notice"] is not None and entry["notice"]["outcome"] == "failed"
    motif = MOTIFS.get(canonical(entry["motif"])) if entry["motif"] else None
    return Told(
        entry=entry["entry"],
        at=entry["at"],
        lane=lane_of(entry),
        kind=kind,
        title=help_names.entry(entry, t),
        who=people.get(entry.get("by") or "", ""),
        tone="stop" if failed else "",
        motif=(motif.label_fr if motif else entry["motif"]) if entry["motif"] else None,
        comment=entry["comment"],
        reasons=tuple(entry["reasons"]),
        changes=tuple(_change(each, t, files) for each in entry["changes"] if each["field"] not in _SILENT),
        path=next((f"/factures/{each['after']}" for each in entry["changes"] if each["field"] == "next_piece"), None),
    )


def _change(change: Mapping[str, Any], t: Words, files: Mapping[str, str]) -> tuple[str, str | None, str | None]:
    name = str(change["field"])
    before, after = (_value(name, change[side], t) for side in ("before", "after"))
    if name == "attachment":
        after = files.get(after or "", t("invoice.a_file"))
    return t.get(f"invoice.field_{name}") or name, before, after


def _value(name: str, value: str | None, t: Words) -> str | None:
    if value is None:
        return None
    if name in _DAYS:
        return show_date(value)
    return show_amount(value, t.language) if name in _AMOUNTS else value


# ---------------------------------------------------------------- the law's clock


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says of the delay. ``state``: none, waiting, running, suspended, late, over; day of total."""

    state: str
    text: str
    day: int | None = None
    total: int = 30
    due: str | None = None
    interest: str | None = None
    interest_from: str | None = None
    remarks: tuple[str, ...] = ()
    steps: tuple[Mapping[str, Any], ...] = ()
    proof: str | None = None
    late_days: int = 0


def delay(found: Mapping[str, Any] | None, t: Words) -> Delay | None:
    """The delay of what the API's clock says; None where it could not be asked."""
    if found is None:
        return None
    day = _day(found)
    state, text = _state(found, t)
    owed = found["interest"]["total"]
    return Delay(
        state=state,
        text=text,
        day=day,
        total=found["days"],
        due=found["due_on"] if found["state"] in ("running", "stopped") else None,
        interest=str(owed) if float(owed) > 0 else None,
        interest_from=_interest_from(found),
        remarks=tuple(remark["text"] for remark in found["remarks"]),
        steps=tuple(found["steps"]),
        proof=found["proof_label"],
        late_days=found["days_late"],
    )


def _interest_from(found: Mapping[str, Any]) -> str | None:
    """The day from which interest runs: the first on which it did, or the day after the last to pay, while it runs."""
    lines = found["interest"]["lines"]
    if lines:
        return str(lines[0]["first"])
    if found["state"] != "running" or found["due_on"] is None or found["days_late"]:
        return None
    return (date.fromisoformat(found["due_on"]) + timedelta(days=1)).isoformat()


def _day(found: Mapping[str, Any]) -> int | None:
    """Which day of the delay it is: days that have run, an interruption left out."""
    if found["started_on"] is None or found["state"] in ("none", "closed"):
        return None
    if found["state"] == "interrupted":
        return max(0, int(found["days"]) - int(found["balance"] or 0))
    if found["days_left"] is not None:
        return max(0, int(found["days"]) - int(found["days_left"]))
    end = date.fromisoformat(found["paid_on"] or found["on"])
    return max(0, (end - date.fromisoformat(found["started_on"])).days)


def _state(found: Mapping[str, Any], t: Words) -> tuple[str, str]:
    if found["state"] == "none":
        return "none", t("invoice.clock_none")
    if found["state"] == "not_started":
        return "waiting", t("invoice.clock_waiting")
    if found["state"] == "closed":
        return "over", t("invoice.clock_closed")
    if found["state"] == "interrupted":
        left = found["balance"]
        return "suspended", t("invoice.clock_suspended", n=left or 0)
    if found["state"] == "stopped":
        return "over", t("invoice.clock_paid_late", n=found["days_late"]) if found["days_late"] else t(
            "invoice.clock_paid"
        )
    if found["days_late"]:
        return "late", t("invoice.clock_late", n=found["days_late"])
    return "running", t("invoice.clock_left", n=found["days_left"] or 0)


# ---------------------------------------------------------------- what may be done

#: What leads on comes first; what only writes something down comes last; the rest is folded away.
_LEADS: Final = (
    "take_in_charge",
    "service_done",
    "mandate",
    "hand_to_comptable",
    "book",
    "put_in_payment",
    "validate",
    "accept_piece",
    "complete",
    "recycle",
    "correct_validator",
    "correct_recipient",
    "lift_suspension",
    "maintain_supplier",
    "close_rejection",
    "acknowledge",
)
_DECLINES: Final = ("suspend", "return_for_recycling", "reject", "refuse", "refuse_mandate", "withdraw")
_DANGER: Final = frozenset(("reject", "refuse", "withdraw"))
#: Files are links: that they were taken is no decision.
_LEFT_OUT: Final = frozenset(("download",))


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """An action that may be done now. ``direct``: nothing has to be said with it, so the button does it."""

    name: str
    label: str
    cause: str
    direct: bool
    group: str
    danger: bool
    warning: str | None
    possible: Mapping[str, Any]


def offered(actions: Iterable[Mapping[str, Any]], t: Words) -> tuple[Offered, ...]:
    """The actions that the API says are possible, in the order in which they are worth reading."""
    shown = [_offered(each, t) for each in actions if each["action"] not in _LEFT_OUT]
    order = {name: place for place, name in enumerate((*_LEADS, *_DECLINES))}
    return tuple(sorted(shown, key=lambda one: order.get(one.name, len(order))))


def _offered(possible: Mapping[str, Any], t: Words) -> Offered:
    name = str(possible["action"])
    said = possible["motif"] == "required" or possible["comment"] == "required"
    group = "lead" if name in _LEADS else "decline" if name in _DECLINES else "more"
    return Offered(
        name=name,
        label=label_of(name, possible["label"], t),
        cause=t.get(f"acting.cause_{name}") or "",
        direct=not (said or possible["fields"] or possible["attachments"]),
        group=group,
        danger=name in _DANGER,
        warning=possible["warning"],
        possible=possible,
    )


def label_of(name: str, french: str, t: Words) -> str:
    """What an action is called; as the service says it where the pages have no words."""
    return t.get(f"acting.do_{name}") or french


def suggestions(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What routing proposes in the place of what nobody could be found for: of the last return, the surest first."""
    last = next((each for each in reversed(history) if each["status_to"] == "A_RECYCLER"), None)
    if last is None:
        return []
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for reason in last["reasons"]:
        for each in reason.get("suggestions") or ():
            found.setdefault((each["field"], each["value"]), dict(each))
    return sorted(found.values(), key=lambda each: -float(each["confidence"]))[:6]
