"""The page about the directory's files says what the code does."""

from pathlib import Path

from services.routing.columns import COLUMNS, NAMES

PAGE = Path(__file__).parents[3] / "docs" / "directory-files.md"


def table() -> str:
    """The columns as the page shows them."""
    rows = ["| colonne | entrées | ce qu'elle dit |", "| --- | --- | --- |"]
    for name in NAMES[1:]:
        for column in (column for column in COLUMNS if column.name == name):
            rows.append(f"| `{name}` | {', '.join(column.kinds)} | {column.says} |")
    return "\n".join(rows)


def test_the_page_lists_every_column_as_the_code_has_it() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")
