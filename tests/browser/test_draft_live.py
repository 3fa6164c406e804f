"""While somebody types, a draft is saved once for each change, in whatever writing: not again at every key."""

from playwright.sync_api import Response

from tests.browser.conftest import Opens
from tests.browser.test_deposits import number
from tests.browser.visit import Visit
from tests.browser.world import Platform

_TYPES = "document.querySelector('form[data-typing]').dispatchEvent(new Event('input'))"


def _saves(answer: Response) -> bool:
    return answer.request.method == "POST" and "act=live" in (answer.request.post_data or "")


def _version(seen: Visit) -> str:
    return seen.page.locator("form[data-typing] [name=version]").input_value()


def test_what_was_saved_is_not_saved_again_in_its_other_writing(world: Platform, visit: Opens) -> None:
    fields = {"supplier_address": "1 rue du Port\n06000 Nice"}
    made = world.ask("claire", "POST", "/api/v1/drafts", {"fields": fields}, once=number())
    seen = visit("claire")
    page = seen.open(f"/brouillons/{made['id']}")
    with page.expect_response(_saves):
        seen.fill(issue_date="2026-03-02", due_date="2/4/2026", prepaid="1234.5")
    page.wait_for_function("before => document.querySelector('[name=version]').value !== before", arg="1")
    saved = _version(seen)
    with page.expect_response(_saves) as again:
        page.evaluate(_TYPES)
    assert f'name="version" value="{saved}"' in again.value.text()
    seen.press("Enregistrer le brouillon")
    page.get_by_text("Le brouillon est enregistré").first.wait_for()
    assert _version(seen) == saved
    assert page.locator("[name=issue_date]").input_value() == "02/03/2026"
    assert page.locator("[name=due_date]").input_value() == "02/04/2026"
    assert seen.seen.errors == []
