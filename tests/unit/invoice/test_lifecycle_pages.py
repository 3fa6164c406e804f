"""The pages that are written from the tables are up to date."""

from collections.abc import Callable
from pathlib import Path

import pytest

from invoice import clock_page, lifecycle_page

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize(
    ("name", "module", "render"),
    [
        ("lifecycle.md", "invoice.lifecycle_page", lifecycle_page.render),
        ("payment-delay.md", "invoice.clock_page", clock_page.render),
    ],
)
def test_the_page_is_what_the_tables_say(name: str, module: str, render: Callable[[], str]) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    assert page == render(), f"stale: python -m {module} > docs/{name}"
