"""Files that are let fall on a page instead of being chosen; an archive of Unix as well as one of Windows."""

import io
import tarfile
from base64 import b64encode

import pytest

from tests.browser.conftest import Opens
from tests.browser.deposits import paper
from tests.browser.test_deposits import BOTH, chosen, number, until_title
from tests.browser.visit import Visit
from tests.browser.walking import until_over
from tests.browser.world import Platform

_HELD = """files => {
  const held = new DataTransfer();
  for (const [name, kind, content] of files)
    held.items.add(new File([Uint8Array.from(atob(content), (each) => each.charCodeAt(0))], name, { type: kind }));
  return held;
}"""
_FORM = "form[data-upload]"


def let_fall(seen: Visit, *files: tuple[str, str, bytes]) -> None:
    """Draw files over the form and let them go: name, kind and content of each."""
    given = [(name, kind, b64encode(content).decode()) for name, kind, content in files]
    held = {"dataTransfer": seen.page.evaluate_handle(_HELD, given)}
    seen.page.locator("[data-drop-hint]:not([hidden])").wait_for()
    seen.page.dispatch_event(_FORM, "dragover", held)
    assert seen.page.locator(f"{_FORM}.over").count() == 1
    seen.page.dispatch_event(_FORM, "drop", held)


def packed(**files: bytes) -> bytes:
    """A TAR.GZ of these, by name without its ending."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"lot/{name}.pdf")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


@pytest.mark.long
def test_a_pdf_that_is_let_fall_becomes_a_draft(world: Platform, visit: Opens) -> None:
    seen, mine = visit("claire"), number()
    seen.open("/deposer")
    let_fall(seen, ("facture.pdf", "application/pdf", paper(mine)))
    until_title(seen, f"Facture {mine}")
    assert "Brouillon, non envoyé" in seen.text()
    assert seen.seen.errors == []


@pytest.mark.long
@BOTH
def test_a_tar_gz_is_taken_by_the_page(world: Platform, visit: Opens, script: bool) -> None:
    seen, good, wrong = visit("claire", script=script), number(), number()
    content = packed(bonne=paper(good), refusee=paper(wrong, service_code="NEXISTEPAS"))
    seen.open("/deposer")
    if script:
        let_fall(seen, ("lot.tar.gz", "application/gzip", content))
    else:
        seen.page.set_input_files("[name=file]", [chosen("lot.tar.gz", content, "application/gzip")])
        seen.press("Déposer")
    until_title(seen, "Archive lot.tar.gz")
    until_over(seen)
    seen.page.goto(f"{seen.page.url.partition('?')[0]}?vue=toutes")
    items = seen.page.locator("#items-list").inner_text()
    assert good in items
    assert wrong in items
    assert "NEXISTEPAS" in items
    assert seen.seen.errors == []
