"""What lies on the tables of the demo's people when they sign in: drafts, refusals, questions, requests, announcements.

Each has a key of its own, so that asking again makes nothing a second time.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from deploy.demo.book import Book
from deploy.demo.cast import DemoCast
from deploy.demo.desk import A, Desk, good
from deploy.demo.people import ATELIER, GARONNE, OPERATOR, PEOPLE, TENANT, TOWN
from tests.documents import InvoicePdf, encrypted, scanned

_PATIENCE: Final = 60.0
_BUSY: Final = frozenset({"received"})


class Today:
    """Made in the names of the accounts, with their own sessions."""

    def __init__(self, desk: Desk, book: Book) -> None:
        self._desk = desk
        self._book = book
        self._bearers: dict[str, dict[str, str]] = {}

    def all(self) -> None:
        """Everything."""
        self._deposits()
        self._questions()
        self._requests()
        self._announcements()
        self._searches()

    def _signed_in(self, who: str) -> tuple[httpx.Client, dict[str, str]]:
        person = next(each for each in (OPERATOR, *PEOPLE) if each.key == who)
        browser = self._desk.browser(person)
        if who not in self._bearers:
            if not self._desk.signed_in(browser):
                self._desk.sign_in(browser, person.email, self._book.kept.accounts[who].totp)
            self._bearers[who] = self._desk.bearer(browser)
        return browser, dict(self._bearers[who])

    def _ask(self, who: str, method: str, path: str, **more: Any) -> Any:
        browser, headers = self._signed_in(who)
        return good(browser.request(method, path, headers=headers, **more))

    def _once(self, who: str, path: str, once: str, **more: Any) -> Any:
        """What is made; None where a start that was cut has made it, at another moment and so in other words."""
        browser, headers = self._signed_in(who)
        headers["Idempotency-Key"] = f"demo-{who}-{once}"
        answer = browser.post(path, headers=headers, **more)
        if answer.status_code == httpx.codes.CONFLICT and answer.json()["code"] == "IDEMPOTENCY_KEY_REUSED":
            return None
        return good(answer)

    def _deposits(self) -> None:
        cast = DemoCast(self._book)
        papers = {
            "facture-a-relire": cast.paper("2026-201", ATELIER.siret),
            "facture-sans-service": cast.paper("2026-202", ATELIER.siret),
            "service-inconnu": cast.paper("2026-203", ATELIER.siret),
        }
        files = {
            "facture-a-relire": (_addressed(papers["facture-a-relire"], "DRH"), True),
            "facture-sans-service": (_addressed(papers["facture-sans-service"], None), True),
            "numerisation": (scanned(7), True),
            "service-inconnu": (_addressed(papers["service-inconnu"], "NEXISTEPAS"), False),
            "protegee": (encrypted(3), False),
        }
        made = [self._deposit(name, content, draft=draft) for name, (content, draft) in files.items()]
        self._once("artisan", "/api/v1/drafts", "saisie", json={"fields": {}})
        until = time.monotonic() + _PATIENCE
        while any(self._ask("artisan", "GET", f"/api/v1/deposits/{each}")["state"] in _BUSY for each in made if each):
            if time.monotonic() > until:
                return  # they are read a little later
            time.sleep(0.2)

    def _deposit(self, name: str, content: bytes, *, draft: bool) -> str | None:
        files = {"file": (f"{name}.pdf", content, "application/pdf")}
        data = {"as_draft": "oui"} if draft else {}
        made = self._once("artisan", "/api/v1/deposits", name, files=files, data=data)
        return made and str(made["id"])

    def _questions(self) -> None:
        late = self._ask("artisan", "GET", "/api/v1/invoices", params={"late": "true", "side": "issued"})["invoices"]
        if late:
            given = {
                "category": "FACTURES_EMISES",
                "subcategory": "RETARD_PAIEMENT",
                "title": f"Facture {late[0]['number']} : paiement attendu",
                "text": "Bonjour, le délai de paiement est passé. Que manque-t-il à notre dossier ?",
                "invoice": late[0]["id"],
            }
            self._once("artisan", "/api/v1/solicitations", "retard", json=given)
        support = {
            "category": "COMPTES",
            "subcategory": "CONNEXION",
            "title": "Second facteur perdu",
            "text": "Bonjour, j'ai changé de téléphone : que faire ?",
        }
        self._once("sous-traitant", "/api/v1/solicitations", "facteur", json=support)

    def _requests(self) -> None:
        """Somebody asks the manager, somebody the operator."""
        if not self._ask("moa", "GET", f"{A}/requests")["requests"]:
            asked = {"message": "Je suis les chantiers du syndicat et du département.", "works_there": True}
            self._ask("moa", "POST", f"{A}/structures/{TOWN}/requests", json=asked)
        invited = {"email": "nadia.colin@alpes-maritimes.example", "roles": [{"role": "AGENT", "service": "DSN"}]}
        known = self._ask("gestionnaire", "GET", f"{A}/structures/{TOWN}/invitations")["invitations"]
        if not any(each["email"] == invited["email"] for each in known):
            self._ask("gestionnaire", "POST", f"{A}/structures/{TOWN}/invitations", json=invited)
        if not any(each["subject"] for each in self._ask("exploitant", "GET", f"{A}/proofs?state=submitted")["proofs"]):
            self._ask("sous-traitant", "POST", f"{A}/structures", json={"identifier": GARONNE.siret})
            params = {"kind": "KBIS", "dated": datetime.now(UTC).date().isoformat(), "name": "kbis.pdf"}
            path = f"{A}/structures/{GARONNE.siret}/proofs"
            self._ask("sous-traitant", "POST", path, params=params, content=encrypted(17))

    def _announcements(self) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        closing = {
            "kind": "code_closing",
            "title": "Le service TEST-EJ ferme à la fin du mois",
            "body": "Adressez vos factures au service DRH dès maintenant.",
            "structure": TOWN,
            "service": "TEST-EJ",
            "tenant": TENANT,
            "ends_at": (now + timedelta(days=30)).isoformat(),
            "shown_from": (now - timedelta(hours=1)).isoformat(),
            "shown_until": (now + timedelta(days=30)).isoformat(),
        }
        self._once("administration", "/api/v1/announcements", "fermeture", json=closing)
        night = {
            "kind": "maintenance",
            "title": "Maintenance dans la nuit de samedi à dimanche",
            "body": "La plateforme sera fermée de 1 h à 3 h. Ce que vous aurez enregistré est gardé.",
            "shown_from": (now - timedelta(hours=1)).isoformat(),
            "shown_until": (now + timedelta(days=6)).isoformat(),
        }
        self._once("exploitant", "/api/v1/announcements", "maintenance", json=night)

    def _searches(self) -> None:
        kept = {"space": "received", "name": "En retard", "query": "late=true&sort=due"}
        self._ask("gestionnaire", "POST", f"{A}/me/searches", json=kept)


def _addressed(paper: InvoicePdf, service: str | None) -> bytes:
    return replace(paper, service_code=service, issue_date=datetime.now(UTC).date()).render()
