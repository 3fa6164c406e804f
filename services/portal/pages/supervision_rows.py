"""The figures of supervision as rows of words: each with the way to the list behind it, where that page is there."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from invoice.lifecycle import STATUSES
from services.portal.pages.format import as_instant, show_number
from services.portal.pages.help_names import status
from services.portal.pages.invoices_figures import due, since
from services.portal.pages.page import Page
from services.portal.pages.supervision_names import Names

INVOICES: Final = "/factures/recues"
LETTERS: Final = "/supervision/lettres"
FLOWS: Final = "/supervision/flux"
#: Curves behind stages; the others have one of their own.
_CURVE: Final = {"mail_accepted": "mails", "mail_failed": "mails"}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table: its name, where that leads, and what stands in its columns."""

    name: str
    path: str | None = None
    #: Behind it there is a curve and no list.
    charted: bool = False
    tone: str | None = None
    cells: Mapping[str, Any] = {}
    paths: Mapping[str, str | None] = {}


class Rows:
    """The rows of one page. ``tenant``: the one that was asked for, which goes along with every way."""

    def __init__(self, page: Page, seen: Mapping[str, Any], names: Names, tenant: str) -> None:
        self._page, self.t, self._seen, self._names, self._tenant = page, page.t, seen, names, tenant

    # Ways

    def way(self, path: str, **asked: Any) -> str | None:
        """The address of a page, None where it is not there."""
        if path not in self._page.house.there:
            return None
        given = {name: value for name, value in asked.items() if value not in (None, "")}
        return f"{path}?{urlencode(given)}" if given else path

    def invoices(self, **asked: Any) -> str | None:
        """The list of invoices that meet these conditions."""
        return self.way(INVOICES, **asked)

    def asked(self, query: str, service: str = "") -> str | None:
        """The same by a whole query; ``service``: of one service alone."""
        within = f"&{urlencode({'service': service})}" if service else ""
        return f"{INVOICES}/recherche?{query}{within}" if INVOICES in self._page.house.there else None

    def letters(self, **asked: Any) -> str:
        """The list of dead letters."""
        given = {name: value for name, value in {**asked, "tenant": self._tenant}.items() if value}
        return f"{LETTERS}?{urlencode(given)}" if given else LETTERS

    def curve(self, name: str, span: str = "hour", stage: str = "") -> str:
        """A curve with its numbers; ``stage``: that of one stage."""
        given = {"span": span, "stage": stage, "tenant": self._tenant}
        asked = urlencode({name: value for name, value in given.items() if value})
        return f"/supervision/courbes/{name}?{asked}"

    # Words

    def took(self, seconds: float | None, none: str = "supervision.nothing") -> str:
        """A duration, in the unit in which it is read."""
        if seconds is None:
            return self.t(none)
        for limit, unit, size, places in _UNITS:
            if seconds < limit:
                shown = round(seconds / size, places or None)
                return self.t(f"supervision.unit_{unit}", n=show_number(str(shown), self._page.language))
        return self.t("supervision.unit_day", n=show_number(int(seconds // 86_400), self._page.language))

    @property
    def at(self) -> str:
        """The second of the figures, in Paris."""
        return as_instant(self._seen["at"]).strftime("%H:%M:%S")

    @property
    def whose(self) -> list[str]:
        """The tenants that are looked at, by name; none: the whole platform."""
        return [self._names.tenants.get(each, each) for each in self._seen["tenants"]]

    # Figures

    def figures(self) -> list[tuple[str, str, str | None, str | None]]:
        """What is looked at first: value, words, way, tone."""
        rates = {one["stage"]: one for one in self._seen["rates"]}
        times = {one["measure"]: one for one in self._seen["times"]}
        deposited, failed = rates["submitted"]["last_hour"], rates["mail_failed"]["last_day"]
        parked = sum(one["count"] for one in self._seen["letters"])
        found = [
            self._figure("deposited", deposited, self.curve("rates", stage="submitted")),
            (
                self.took(times["available"]["p95"]),
                self.t("supervision.figure_available"),
                self.curve("times"),
                None,
            ),
        ]
        if self._seen.get("services") is not None:
            unread = [one["unread"] for one in self._seen["services"] if one["unread"] is not None]
            found.append(self._figure("unread", sum(unread), "#services"))
        found.append(self._figure("letters", parked, self.letters(), "stop" if parked else None))
        late = next((one for one in (self._seen.get("risks") or {}).get("risks", ()) if one["range"] == "late"), None)
        if late is not None:
            found.append(self._figure("late", late["count"], self.invoices(late=1), "stop" if late["count"] else None))
        found.append(self._figure("mail_failed", failed, self.curve("mails", "day"), "stop" if failed else None))
        return found

    def _figure(
        self, key: str, number: int, path: str | None, tone: str | None = None
    ) -> tuple[str, str, str | None, str | None]:
        return show_number(number, self._page.language), self.t(f"supervision.figure_{key}", n=number), path, tone

    # Tables

    @property
    def listed(self) -> tuple[str, ...]:
        """Stages behind which there is a list, and no curve only: a flow is no tenant's."""
        mine = self._seen["standing"] == "operator" and not self._tenant
        return ("flow_rejected",) if mine and FLOWS in self._page.house.there else ()

    def stages(self) -> list[Row]:
        """Events by stage."""
        return [
            Row(
                name=self.t(f"supervision.stage_{one['stage']}"),
                charted=one["stage"] not in self.listed,
                path=self._behind(one["stage"]),
                cells={
                    "second": self._number(one["per_second"]),
                    **{span: self._number(one[f"last_{span}"]) for span in ("minute", "hour", "day")},
                },
            )
            for one in self._seen["rates"]
        ]

    def _behind(self, stage: str) -> str:
        """The list behind a stage where there is one, else its curve."""
        if stage in self.listed:
            return FLOWS
        return self.curve(_CURVE[stage]) if stage in _CURVE else self.curve("rates", stage=stage)

    def _number(self, number: float) -> str:
        return show_number(f"{number:.3g}" if number < 1 else f"{number:.10g}", self._page.language)

    def times(self) -> list[Row]:
        """How long things take."""
        return [
            Row(
                name=self.t(f"supervision.measure_{one['measure']}"),
                path=self.curve("times") if one["measure"] == "available" else None,
                charted=True,
                cells={
                    "count": one["count"],
                    **{share: self.took(one[share]) for share in ("p50", "p95", "p99")},
                },
            )
            for one in self._seen["times"]
        ]

    def services(self) -> list[Row]:
        """How each service does."""
        found = []
        for one in self._seen["services"]:
            dead = one["dead_letters"]
            found.append(
                Row(
                    name=self.t(f"state.{one['service']}"),
                    tone="stop" if one["away"] or one["stopped"] else "done",
                    cells={
                        "code": one["service"],
                        "state": "away" if one["away"] else "stopped" if one["stopped"] else "well",
                        "unread": one["unread"],
                        "oldest": self._age(one["unread"], one["oldest_unread_seconds"]),
                        "outbox": one["outbox"],
                        "outbox_age": self._age(one["outbox"], one["outbox_oldest_seconds"]),
                        "waiting": one["waiting"],
                        "waiting_age": self._age(one["waiting"], one["waiting_oldest_seconds"]),
                        "dead": None if dead is None else sum(dead.values()),
                    },
                    paths={"unread": self.curve("lag"), "dead": self.letters(service=one["service"])},
                )
            )
        return found

    def _age(self, number: int | None, seconds: float | None) -> str | None:
        return self.took(seconds) if number and seconds is not None else None

    def reasons(self, found: Iterable[Mapping[str, Any]]) -> list[Row]:
        """Dead letters by reason."""
        return [
            Row(
                name=one["reason"],
                path=self.letters(service=one["service"], reason=one["reason"]),
                cells={"service": self.t(f"state.{one['service']}"), "count": one["count"], "oldest": one["oldest"]},
            )
            for one in found
        ]

    def layouts(self, most: int | None = None) -> list[Row]:
        """Suppliers by what is read of their documents."""
        return [
            Row(
                name=one["supplier"],
                path=self.invoices(supplier=one["supplier"]),
                cells={
                    "source": self.t.get(f"supervision.source_{one['source']}") or one["source"],
                    "share": self.share(one["share"]),
                    "fields": one["fields"],
                    "corrected": ", ".join(self.t(f"supervision.field_{name}") for name in one["corrected"]),
                },
            )
            for one in self._seen["reading"]["layouts"][:most]
        ]

    def share(self, share: float | None) -> str:
        """A share as percent."""
        if share is None:
            return self.t("supervision.nothing")
        return self.t("supervision.percent", n=show_number(str(round(100 * share, 1)), self._page.language))

    def risks(self, service: str = "") -> list[Row]:
        """Delays at risk, and what they cost, each with the list of just those. ``service``: the one they are of."""
        found = self._seen.get("risks") or {}
        return [
            Row(
                name=self.t(f"supervision.range_{one['range']}"),
                path=self.asked(due(found["day"], one["days_from"], one["days_to"]), service),
                tone="stop" if one["range"] == "late" and one["count"] else None,
                cells=one,
            )
            for one in found.get("risks", ())
        ]

    def statuses(self) -> list[Row]:
        """Invoices by status."""
        return [
            Row(name=self._status(one), path=self.invoices(status=one["code"]), cells=one)
            for one in (self._seen.get("stocks") or {}).get("by_status", ())
        ]

    def _status(self, one: Mapping[str, Any]) -> str:
        known = STATUSES.get(one["code"])
        return status(known, self._page.language)[0] if known is not None else one["label"]

    def ages(self) -> list[Row]:
        """Open invoices by days in their status, each with the list of just those."""
        found = []
        for one in (self._seen.get("stocks") or {}).get("by_age", ()):
            low, high = one["days_from"], one["days_to"]
            words = "supervision.days_more" if high is None else "supervision.days"
            name = self.t(words, low=low) if high is None else self.t(words, low=low, high=high)
            found.append(Row(name=name, path=self.asked(since(one)), cells=one))
        return found

    def bodies(self) -> list[Row]:
        """Open invoices by tenant, or by service of one."""
        stocks = self._seen.get("stocks") or {}
        tenants = [
            Row(
                name=self._names.tenants.get(one["tenant"], one["tenant"])
                if one["tenant"]
                else self.t("supervision.nobodys"),
                path=f"/supervision?{urlencode({'tenant': one['tenant']})}" if one["tenant"] else None,
                cells=one,
            )
            for one in stocks.get("by_tenant", ())
        ]
        services = [
            Row(
                name=" · ".join(
                    part
                    for part in (self._names.bodies.get(one["structure"], one["structure"]), one["service"])
                    if part
                ),
                path=self.invoices(structure=one["structure"], service=one["service"]),
                cells=one,
            )
            for one in stocks.get("by_service", ())
        ]
        return [*tenants, *services]


#: Below so many seconds a duration is shown in this unit, of so many seconds, with so many decimals.
_UNITS: Final = (
    (10.0, "second", 1, 2),
    (120.0, "second", 1, 0),
    (7_200.0, "minute", 60, 0),
    (172_800.0, "hour", 3_600, 0),
)
