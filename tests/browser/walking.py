"""What whole walks have in common."""

import time
from datetime import UTC, datetime
from typing import Final

from tests.browser.test_deposits import chosen, until_title
from tests.browser.visit import Visit
from tests.browser.world import TOWN, Platform

_PATIENCE: Final = 120.0
#: A draft has some ninety places to stop at.
_TABS: Final = 200


def agent(world: Platform) -> str:
    """Samir works at the DRH of the département, and nowhere else."""
    if "samir" not in world.accounts:
        world.account("samir", "Samir Haddad")
        world.place("samir", TOWN, ("AGENT", "DRH"))
    return "samir"


def proved(world: Platform, who: str, shown: str, siret: str, *roles: str) -> str:
    """Somebody of a company who has proved it, with these roles there."""
    if who not in world.accounts:
        world.account(who, shown)
        at = "/api/v1/accounts"
        world.ask(who, "POST", f"{at}/structures", {"identifier": siret, "name": f"Entreprise de {shown}"})
        headers = {**world.token(who), "Content-Type": "application/pdf"}
        url = f"{world.url}{at}/structures/{siret}/proofs"
        params = {"kind": "LETTER", "dated": today()}
        sent = world.http.post(url, params=params, content=b"%PDF-1.7 a paper", headers=headers)
        sent.raise_for_status()
        world.ask("otto", "POST", f"{at}/proofs/{sent.json()['id']}/approve")
        if roles:
            members = world.ask("otto", "GET", f"{at}/structures/{siret}/members")["members"]
            subject = next(each["subject"] for each in members if each["name"] == shown)
            given = [{"role": role} for role in roles]
            world.ask("otto", "PUT", f"{at}/structures/{siret}/members/{subject}/roles", {"roles": given})
    return who


def today() -> str:
    """As programs write it."""
    return datetime.now(UTC).date().isoformat()


def drop(seen: Visit, name: str, content: bytes) -> None:
    """Choose a file on the page of deposits and send it."""
    seen.open("/deposer")
    seen.page.set_input_files("[name=file]", [chosen(f"{name}.pdf", content)])
    seen.press("Déposer")


def reload_until(seen: Visit, path: str, words: str) -> None:
    """Look at a page again until it says something: what another side did comes by an event."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        seen.page.goto(path)
        if words in seen.text().replace("\u00a0", " ").replace("\u202f", " "):
            return
        seen.page.wait_for_timeout(250)
    raise AssertionError(f"{words!r} is not on {path}: {seen.text()[:2000]}")


def fine(seen: Visit) -> None:
    """Nothing went wrong under way, no other address was asked, and axe finds nothing on the last page."""
    if seen.script:
        assert seen.serious() == []
    assert seen.seen.errors == []
    assert seen.seen.strangers == []


def sent(seen: Visit) -> None:
    """Send the draft that is open; what has to be said once more is said."""
    seen.press("Valider et envoyer")
    seen.page.wait_for_load_state()
    assert seen.page.locator(".summary").count() == 0, seen.page.locator(".summary").inner_text()
    until_title(seen, "envoyée")


def until_over(seen: Visit) -> None:
    """Wait on the page of a flow until all of it is read; without script by pressing « Actualiser »."""
    state = seen.page.locator("#state")
    if seen.script:
        seen.page.locator("#state[data-going=off]").wait_for(state="attached", timeout=180_000)
        return
    again, until = state.get_by_role("link", name="Actualiser"), time.monotonic() + 180
    while again.count():
        assert time.monotonic() < until, state.inner_text()
        seen.page.wait_for_timeout(250)
        again.click()


def focused(seen: Visit) -> str:
    """The words of what has the focus."""
    return " ".join(str(seen.page.evaluate("document.activeElement.innerText || ''")).split())


def tab_to(seen: Visit, words: str) -> None:
    """Press Tab until what has these words has the focus."""
    for _ in range(_TABS):
        if focused(seen) == words:
            return
        seen.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not come to {words!r}")


def tab_to_field(seen: Visit, name: str, value: str | None = None) -> None:
    """The same to a field; ``value``: to this one of its boxes."""
    wanted = [name, value] if value is not None else [name]
    held = "count => [document.activeElement.name || '', document.activeElement.value].slice(0, count)"
    for _ in range(_TABS):
        if seen.page.evaluate(held, len(wanted)) == wanted:
            return
        seen.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not come to the field {name}")


def walk_to(seen: Visit, invoice: str) -> None:
    """The row of this invoice: down by j to the end of the list, then up by k."""
    seen.page.locator("[data-row]").first.wait_for()
    seen.page.locator("[data-keys]:not([hidden])").first.wait_for(state="attached")
    for key in ("j", "k"):
        while (here := focused(seen)) != invoice:
            seen.page.keyboard.press(key)
            if focused(seen) == here:
                break  # the end of the list
        else:
            return
    raise AssertionError(f"{invoice} is not among the rows")
