"""A form that a page showed to somebody else: to who was signed in, or to this browser a day ago.

Pages of mails' links stay open while a session ends. Their form is then shown anew, with what was written and a word of
its own, for the button to be pressed again: nothing is done with the old one, and what another site sends is refused
before its word is looked at, as everywhere. Only for such pages: a link shows the same form with the same word of a
mail in it, so that nobody gains by having it shown.
"""

from typing import Final

from services.portal.pages.forms import Form
from services.portal.pages.page import Page
from services.portal.pages.problems import Problem, Shown

_AGAIN: Final = Problem(status=403, code="FORM_AGAIN")


async def form_of(page: Page) -> Form:
    """The form that was sent; one of an old word is not ``valid`` and says so. Raises ``Shown`` as ``page.form`` does
    for anything else."""
    try:
        return await page.form()
    except Shown as shown:
        if shown.problem.code != "FORM_STALE" or page.sent is None:
            raise
        page.sent.problem = _AGAIN
        return page.sent
