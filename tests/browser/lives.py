"""Invoices of Claire's workshop that the département has, in the statuses that a test asks for."""

import time
from dataclasses import replace
from typing import Any

from tests.browser import deposits, offices
from tests.browser.deposits import PATIENCE, paper
from tests.browser.world import Platform
from tests.documents import SUPPLIER

MOE = "99900002900010"


def available(platform: Platform, name: str, **more: Any) -> str:
    """The id of an invoice that the département may work on; the same for the same name."""
    sent = deposits.deposit(platform, f"suivie-{name}", paper(f"2026-{name}"[:20], **more), review=False)
    reach(platform, sent, "MISE_A_DISPOSITION")
    return sent


def reach(platform: Platform, invoice: str, *statuses: str, who: str = "claire") -> dict[str, Any]:
    """An invoice once it has one of these statuses, or any later one."""
    until = time.monotonic() + PATIENCE
    while True:
        found = seen(platform, invoice, who)
        if found is not None and set(statuses) & {each["status_to"] for each in found["history"]}:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.2)


def seen(platform: Platform, invoice: str, who: str = "claire") -> dict[str, Any] | None:
    """What the API says of it; None while it is not there."""
    answer = platform.http.get(f"{platform.url}/api/v1/invoices/{invoice}", headers=platform.token(who))
    return answer.json() if answer.is_success else None


def act(platform: Platform, who: str, invoice: str, action: str, **more: Any) -> None:
    """Do something with it by the API; once for each action."""
    at = f"{platform.url}/api/v1/invoices/{invoice}/actions"
    headers = platform.token(who)
    version = platform.http.get(at, headers=headers).raise_for_status().json()["version"]
    headers |= {"If-Match": version, "Idempotency-Key": f"browser-{invoice}-{action}"}
    platform.http.post(at, headers=headers, json={"action": action, **more}).raise_for_status()


def _once(platform: Platform, invoice: str, action: str, status: str, **more: Any) -> str:
    found = seen(platform, invoice)
    assert found is not None
    if found["status"]["code"] != status:
        act(platform, "agnes", invoice, action, **more)
        reach(platform, invoice, status)
    return invoice


def suspended(platform: Platform, name: str = "suspendue") -> str:
    """One that waits for a paper of its supplier."""
    more = {"motif": "JUSTIF_ABS", "comment": "Le bon de livraison manque."}
    return _once(platform, available(platform, name), "suspend", "SUSPENDUE", **more)


def rejected(platform: Platform, name: str = "rejetee") -> str:
    """One that the département does not owe."""
    more = {"motif": "CREANCIER_ERR", "comment": "Nous n'avons rien commandé."}
    return _once(platform, available(platform, name), "reject", "REJETEE", **more)


def returned(platform: Platform, name: str = "renvoyee") -> str:
    """One that came to the wrong place and is sent back to be addressed anew."""
    more = {"motif": "SE_ERR", "comment": "C'est le service PRESSE qui l'attend."}
    return _once(platform, available(platform, name), "return_for_recycling", "A_RECYCLER", **more)


def works(platform: Platform, name: str = "travaux") -> str:
    """The first piece of a works file of Bruno's, which waits for the maître d'œuvre; its id is the file's."""
    offices.workshop(platform)
    content = paper(f"2026-{name}"[:20], supplier=replace(SUPPLIER, siret=offices.SIRET))
    sent = deposits.deposit(platform, name, content, review=False, who="bruno", cadre="A4", moe_siret=MOE)
    reach(platform, sent, "MISE_A_DISPOSITION_MOE", who="bruno")
    return sent


def to_validate(platform: Platform, name: str = "sous-traitance") -> str:
    """One of Claire's that waits for Bruno's workshop, which is the titulaire."""
    offices.validator(platform)
    sent = deposits.deposit(
        platform,
        name,
        paper(f"2026-{name}"[:20]),
        review=False,
        cadre="A9",
        validator_1_siret=offices.SIRET,
    )
    reach(platform, sent, "A_VALIDER_1")
    return sent
