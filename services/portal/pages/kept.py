"""What was written and could not be done: the same fields again on the page that says why, to be sent once more.

The form's own hidden word is among them. It is worth what it was worth before: the same person who was shown the form
may send it, and nobody else, whoever has signed in meanwhile.
"""

from typing import Final

import msgspec

from services.portal.pages.forms import Form
from services.portal.pages.guard import FIELD
from services.portal.pages.problems import Problem

#: What shows who somebody is: it is asked for again.
_NEVER: Final = frozenset(("password", "again", "totp", "recovery", "code"))
#: Where secrets are made: nothing of these forms is kept.
_SECRET: Final = ("/compte/securite", "/compte/preuve")
#: From how many letters on something was written and not chosen.
_WRITTEN: Final = 30


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """``fields`` as they were sent, in pairs; ``texts``: what somebody wrote, to be read; ``files``: the names of those
    to be chosen again, by field; ``again``: whether the form may be sent once more."""

    fields: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]
    files: dict[str, str]
    again: bool

    @property
    def empty(self) -> bool:
        """Nothing was given but a button pressed."""
        return not self.files and all(name in (FIELD, "once") for name, _ in self.fields)


def of(form: Form | None, path: str, problem: Problem) -> Kept | None:
    """What is kept of a form that ``problem`` answers; None where there is nothing to keep.

    A form of another site is never shown. One that was shown to somebody else, and what was refused for good, is there
    to be copied only.
    """
    if form is None or problem.code == "CROSS_SITE" or path.startswith(_SECRET):
        return None
    names = [name for name in form.names() if name not in _NEVER]
    fields = tuple((name, value.replace("\x00", "")) for name in names for value in form.all(name))
    texts = tuple(value for name, value in fields if len(value) >= _WRITTEN and any(c.isspace() for c in value))
    chosen = {name: ", ".join(str(file.filename) for file in form.files(name)) for name in names}
    found = Kept(
        fields=fields,
        texts=texts,
        files={name: shown for name, shown in chosen.items() if shown},
        again=problem.status in (401, 429) or problem.status >= 500 or problem.code == "REASON_REQUIRED",
    )
    return found if texts or (found.again and not found.empty) else None
