"""Opens the demo's accounts, as people do: by sign-up or invitation, the link of a mail, a password, a second factor.

Whoever is opened is written down at once, so that a second start finds him and opens nobody again; what a start that
was cut has done and not written down is found as it stands.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from deploy.demo.book import Account, Book, Software
from deploy.demo.desk import A, Desk, good
from deploy.demo.people import OPERATOR, PEOPLE, TENANT, Person, Supplier

#: A paper of one page: what is asked of whoever wants to see all invoices of his company.
_PAPER: Final = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_AT_ONCE: Final = 4  # each waits for his mails
_READS: Final = timedelta(days=365)
_SCOPES: Final = ("deposits.write", "deposits.read", "invoices.read", "directory.read")


class Opening:
    """Opens who is not open yet."""

    def __init__(self, desk: Desk, book: Book, now: datetime) -> None:
        self._desk = desk
        self._book = book
        self._now = now
        self._operates: dict[str, str] = {}

    def all(self) -> None:
        """Everybody."""
        if OPERATOR.key not in self._book.kept.accounts:
            browser = self._desk.browser(OPERATOR)
            if not self._desk.entered(browser, OPERATOR.email):
                self._desk.activate(browser, self._desk.operator(OPERATOR))
            self._note(OPERATOR, browser)
        missing = [person for person in PEOPLE if person.key not in self._book.kept.accounts]
        if missing:
            self._operates = self._desk.bearer(self._signed_in(OPERATOR))
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(self._person, missing))
        if self._book.kept.software is None:
            self._software(PEOPLE[1])

    def _signed_in(self, person: Person) -> httpx.Client:
        """His browser; he may have been made at an earlier start."""
        browser = self._desk.browser(person)
        if not self._desk.signed_in(browser):
            self._desk.sign_in(browser, person.email, self._book.kept.accounts[person.key].totp)
        return browser

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        """The operator's request."""
        url = f"{self._desk.stack.url}{A}{path}"
        return good(httpx.request(method, url, headers=self._operates, timeout=30, **more))

    def _note(self, person: Person, browser: httpx.Client) -> None:
        secret = self._desk.factor(browser) if person.factor else None
        self._book.note(person, Account(self._desk.subject(browser), secret))

    def _person(self, person: Person) -> None:
        browser = self._desk.browser(person)
        if person.supplier is not None:
            if not self._desk.entered(browser, person.email):
                self._sign_up(person, browser, person.supplier)
            self._prove(person, browser, person.supplier.siret)
        elif person.body is not None:
            self._invited(person, browser, person.body)
        subject = self._desk.subject(browser)
        if person.office == "TENANT_ADMIN":
            self._ask("PUT", f"/tenants/{TENANT}/administrators/{subject}")
        self._note(person, browser)

    def _sign_up(self, person: Person, browser: httpx.Client, supplier: Supplier) -> None:
        code, _, town = supplier.city.partition(" ")
        given = {
            "email": person.email,
            "name": person.name,
            "identifier": {"type": "SIRET", "value": supplier.siret},
            "structure_name": supplier.name,
            "address": {"street": supplier.street, "postal_code": code, "town": town},
        }
        good(browser.post(A, json=given))
        self._desk.activate(browser, self._desk.word(person.email, "Activez"))

    def _prove(self, person: Person, browser: httpx.Client, siret: str) -> None:
        """He hands in a paper, which the operator approves: the first so proved manages the structure."""
        headers = self._desk.bearer(browser)
        [own] = good(browser.get(f"{A}/structures/{siret}/members", headers=headers))["members"]
        if not own["verified"]:
            self._paper(browser, siret, headers, own["subject"])
        if person.roles:
            roles = [self._role(role, service) for role, service in person.roles]
            self._ask("PUT", f"/structures/{siret}/members/{own['subject']}/roles", json={"roles": roles})

    def _paper(self, browser: httpx.Client, siret: str, headers: dict[str, str], subject: str) -> None:
        waiting = self._ask("GET", "/proofs?state=submitted")["proofs"]
        found = [each["id"] for each in waiting if (each["structure"], each["subject"]) == (siret, subject)]
        if not found:
            params = {"kind": "KBIS", "dated": self._now.date().isoformat(), "name": "kbis.pdf"}
            path = f"{A}/structures/{siret}/proofs"
            found = [good(browser.post(path, params=params, content=_PAPER, headers=headers))["id"]]
        self._ask("POST", f"/proofs/{found[0]}/approve")

    def _invited(self, person: Person, browser: httpx.Client, siret: str) -> None:
        entered = self._desk.entered(browser, person.email)
        if entered and self._belongs(browser, siret):
            return
        roles = [self._role(role, service) for role, service in person.roles]
        given = {"email": person.email, "manager": person.manager, "roles": roles}
        self._ask("POST", f"/structures/{siret}/invitations", json=given)
        word = self._desk.word(person.email, "invité")
        if not entered:
            good(browser.post(f"{A}/invitations/sign-up", json={"token": word, "name": person.name}))
            self._desk.activate(browser, self._desk.word(person.email, "Activez"))
        good(browser.post(f"{A}/invitations/accept", json={"token": word}, headers=self._desk.bearer(browser)))

    def _role(self, role: str, service: str | None) -> dict[str, str | None]:
        """Who only reads does so until a day."""
        until = (self._now + _READS).isoformat() if role == "LECTURE" else None
        return {"role": role, "service": service, "until": until}

    def _belongs(self, browser: httpx.Client, siret: str) -> bool:
        own = good(browser.get(f"{A}/structures", headers=self._desk.bearer(browser)))
        return any(each["structure"] == siret for each in own["structures"])

    def _software(self, person: Person) -> None:
        """The program that deposits for a company; its secret is shown once, and kept for the demo."""
        browser = self._signed_in(person)
        assert person.supplier is not None
        headers = self._desk.bearer(browser)
        given = {
            "structure": person.supplier.siret,
            "name": "Logiciel de facturation",
            "roles": ["FOURNISSEUR"],
            "scopes": list(_SCOPES),
        }
        made = good(browser.post(f"{A}/software", json=given, headers=headers))
        path = f"{A}/software/{made['client_id']}/secrets"
        secret = good(browser.post(path, json={"days": 365}, headers=headers))
        self._book.kept.software = Software(made["client_id"], secret["client_secret"])
        self._book.save()
