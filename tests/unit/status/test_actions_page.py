"""The page of actions."""

from services.status.actions import ACTIONS
from services.status.actions_page import PAGE, page


def test_the_page_of_actions_is_what_the_tables_say() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "run: python -m services.status.actions_page"
    assert [name for name in ACTIONS if f"| `{name}` |" not in written] == []
