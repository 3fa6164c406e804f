"""Writes ``docs/actions.md``: the words of ``actions_page.md`` and the table of actions.

``python -m services.status.actions_page``
"""

from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Final

from invoice.lifecycle import STATUSES
from services.status import (
    actions_body,
    actions_payment,
    actions_recycling,
    actions_supplier,
    actions_validation,
    actions_works,
)
from services.status.action import Action

PAGE: Final = Path(__file__).parents[2] / "docs" / "actions.md"
_PLACE: Final = "{table}\n"
_SECTIONS: Final = (
    ("The body", (*actions_body.ACTIONS, *actions_recycling.ACTIONS)),
    ("Mandate and payment", actions_payment.ACTIONS),
    ("Supplier and everybody", actions_supplier.ACTIONS),
    ("Validators (MOE, MOA and supplier refuse by the same row)", actions_validation.ACTIONS),
    ("Works pieces", actions_works.ACTIONS),
)


def page() -> str:
    """The whole page."""
    words = resources.files("services.status").joinpath("actions_page.md").read_text(encoding="utf-8")
    return words.replace(_PLACE, "\n".join(_tables()) + "\n")


def _tables() -> Iterator[str]:
    for title, actions in _SECTIONS:
        yield f"### {title}\n"
        yield "| action | label | who | leads to, or possible in | needs |"
        yield "|---|---|---|---|---|"
        yield from (_row(action) for action in actions)
        yield ""


def _row(action: Action) -> str:
    needs = [f"`{field.name}`{'' if field.required else ' (optional)'}" for field in action.fields]
    needs += ["`attachments` or a comment"] if action.attachments else []
    needs += ["a comment"] if action.target is None and action.comment == "required" else []
    needs += ["no If-Match"] if action.light else []
    return f"| `{action.name}` | {action.label} | {_who(action)} | {_where(action)} | {', '.join(needs) or '–'} |"


def _who(action: Action) -> str:
    return ", ".join(action.who)


def _where(action: Action) -> str:
    if isinstance(action.target, str):
        return f"→ *{STATUSES[action.target].label_fr}*"
    if action.target is not None:
        return "→ by the status it is in"
    if not action.sources:
        return "any status"
    return _labels(code for code in STATUSES if code in action.sources)


def _labels(codes: Iterable[str]) -> str:
    return ", ".join(f"*{STATUSES[code].label_fr}*" for code in codes)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
