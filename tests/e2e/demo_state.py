"""What the demo of ``make up`` has made, as its people see it."""

import time
from pathlib import Path
from typing import Any, Final

import httpx

from deploy.demo.book import Book
from deploy.demo.desk import codes
from deploy.demo.people import OPERATOR, PASSWORD, PEOPLE, Person
from invoice.lifecycle import POLICIES, STATUSES

A: Final = "/api/v1/accounts"
_FEW, _PATIENCE = 5, 60.0
#: The platform takes no such step (docs/decisions/0006).
_NEVER: Final = frozenset({"EN_COURS_ACHEMINEMENT"})
#: An invoice goes on from these at once: they stand in histories.
_PASSED: Final = frozenset(
    {
        "DEPOSEE",
        "VALIDEE_1",
        "VALIDEE_2",
        "ABSENCE_VALIDATION_1_HORS_DELAI",
        "ABSENCE_VALIDATION_2_HORS_DELAI",
    }
)


def statuses() -> frozenset[str]:
    """Those that an invoice can come to, by the tables; drafts are none."""
    tables = POLICIES.values()
    found = {row.target for table in tables for row in table.transitions}
    return frozenset(code for code in found - _NEVER if STATUSES[code].group != "preparation" and code != "SUPPRIMEE")


class Signed:
    """Somebody of the demo, signed in by his password and, where he has one, his second factor."""

    def __init__(self, url: str, person: Person, book: Book) -> None:
        self.client = httpx.Client(base_url=url, headers={"Sec-Fetch-Site": "same-origin"}, timeout=30)
        given = {"email": person.email, "password": PASSWORD}
        answer = self.client.post(f"{A}/sessions", json=given).json()
        secret = book.kept.accounts[person.key].totp
        assert (answer["state"] == "second_factor") == (secret is not None), answer
        if secret is not None:
            self._second(answer["ticket"], secret)
        token = self.client.post(f"{A}/sessions/token").json()["access_token"]
        self._bearer = {"Authorization": f"Bearer {token}", "X-Chorale-Reason": "Essai de la demonstration"}

    def _second(self, ticket: str, secret: str) -> None:
        for code in codes(secret):
            answer = self.client.post(f"{A}/sessions/second", json={"ticket": ticket, "totp": code})
            if answer.is_success:
                return
        raise AssertionError(answer.text)

    def get(self, path: str, **params: Any) -> Any:
        """What the API answers."""
        answer = self.client.get(path, params=params, headers=self._bearer)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Seen:
    """The whole demo, once."""

    def __init__(self, url: str, folder: Path) -> None:
        book = Book(folder)
        self.people = {person.key: Signed(url, person, book) for person in (*PEOPLE, OPERATOR)}
        self.operator = self.people[OPERATOR.key]
        self.invoices = self._invoices()

    def close(self) -> None:
        """Let the connections go."""
        for each in self.people.values():
            each.client.close()

    def _invoices(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        cursor: str | None = None
        while True:
            page = self.operator.get("/api/v1/invoices", limit=200, **({"cursor": cursor} if cursor else {}))
            found |= {each["id"]: each for each in page["invoices"]}
            cursor = page["next"]
            if cursor is None:
                return found

    def standing(self) -> set[str]:
        """The statuses in which invoices are now."""
        return {each["status"]["code"] for each in self.invoices.values()}

    def passed(self) -> set[str]:
        """Those through which invoices of validators have gone."""
        some = [each["id"] for each in self.invoices.values() if each["cadre"] in ("A9", "A12", "S3")]
        told = [self.operator.get(f"/api/v1/invoices/{each}")["history"] for each in some]
        return {entry["status_to"] for history in told for entry in history if entry["status_to"]}

    def missing(self) -> frozenset[str]:
        """Statuses in which, or through which, no invoice is or went."""
        return statuses() - self.standing() - (self.passed() & _PASSED)

    def delivered(self) -> list[dict[str, Any]]:
        """What the program of the supplier has been sent, once five have come."""
        clerk = self.people["comptabilite"]
        [hook] = clerk.get("/api/v1/webhooks")
        until = time.monotonic() + _PATIENCE
        while True:
            found: list[dict[str, Any]] = clerk.get(f"/api/v1/webhooks/{hook['id']}/deliveries", state="delivered")[
                "deliveries"
            ]
            if len(found) >= _FEW or time.monotonic() > until:
                return found
            time.sleep(0.2)

    def made(self) -> dict[str, Any]:
        """How much there is of everything: what a second start must not change."""
        artisan, clerk = self.people["artisan"], self.people["comptabilite"]
        return {
            "invoices": {id_: each["status"]["code"] for id_, each in self.invoices.items()},
            "deposits": len(artisan.get("/api/v1/deposits")["deposits"]),
            "flows": [each["counts"] for each in clerk.get("/api/v1/flows")["flows"]],
            "letters": self.operator.get("/api/v1/supervision/dead-letters/reasons"),
            "questions": len(artisan.get("/api/v1/solicitations")["solicitations"]),
            "webhooks": len(clerk.get("/api/v1/webhooks")),
            "announcements": len(artisan.get("/api/v1/announcements")["announcements"]),
            "requests": len(self.people["gestionnaire"].get(f"{A}/requests")["requests"]),
        }
