"""Lists that the services give page by page: the addresses of the pages of a list, and the whole of one.

``suite`` in the address is the cursor that the service gave; a page with two such lists names them.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from services.portal.pages.page import Page
from services.portal.pages.problems import NOT_FOUND, Problem, Shown

#: The name of the cursor in addresses.
ON: Final = "suite"
_LONGEST: Final = 4_000
#: Of a list that is read to its end so many pages are asked for: some thousand entries.
_MOST_PAGES: Final = 20
TOO_LONG: Final = Problem(status=422, code="LIST_TOO_LONG")


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. ``next`` and ``first``: addresses of the page after it and of the beginning, where there are
    such; ``problem``: why it could not be read."""

    rows: list[dict[str, Any]] = []
    next: str | None = None
    first: str | None = None
    problem: Problem | None = None

    @property
    def more(self) -> bool:
        """Whether there are other rows than these."""
        return self.next is not None or self.first is not None


class Whole(list[dict[str, Any]]):
    """All rows of a list; ``cut``: it was too long, and these are only its beginning, which the page says."""

    cut = False


async def page_of(
    page: Page,
    service: str,
    path: str,
    key: str,
    params: Mapping[str, Any] | None = None,
    after: str = "",
    name: str = ON,
    part: str = "",
) -> Listed:
    """The rows under ``key``, from the cursor ``after`` on. ``part``: the place on our page where the list stands.

    Raises ``Shown`` for a cursor that the service did not give.
    """
    cursor = after[:_LONGEST] or None
    answer = await page.call.get(service, path, {**(params or {}), "cursor": cursor})
    if answer.problem is not None:
        if cursor is not None and answer.status == 422:
            raise Shown(NOT_FOUND)
        return Listed(problem=answer.problem, first=address(page, None, name, part) if cursor else None)
    found = answer.data or {}
    following = found.get("next")
    return Listed(
        rows=found.get(key, []),
        next=None if following is None else address(page, str(following), name, part),
        first=None if cursor is None else address(page, None, name, part),
    )


def address(page: Page, cursor: str | None, name: str = ON, part: str = "") -> str:
    """The address of this page with another cursor, and all else that was asked."""
    kept = [pair for pair in page.request.query_params.multi_items() if pair[0] not in (name, "fait")]
    asked = urlencode([*kept, (name, cursor)] if cursor is not None else kept)
    path = page.request.url.path
    return f"{path}{'?' if asked else ''}{asked}{'#' if part else ''}{part}"


async def each(
    page: Page, service: str, path: str, key: str, params: Mapping[str, Any] | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The rows of the whole list, asked for page by page while more are wanted. Raises ``Shown`` where it cannot be
    read, and after its last row where it is longer than what is read of it."""
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        found = await page.call.need(service, path, {**(params or {}), "cursor": cursor})
        for row in found.get(key, []):
            yield row
        cursor = found.get("next")
        if cursor is None:
            return
    raise Shown(TOO_LONG)


async def whole(page: Page, service: str, path: str, key: str, params: Mapping[str, Any] | None = None) -> Whole:
    """All of them, or as many as are read and that there are others. Raises ``Shown`` where it cannot be read."""
    found = Whole()
    try:
        async for row in each(page, service, path, key, params):
            found.append(row)
    except Shown as shown:
        if shown.problem is not TOO_LONG:
            raise
        found.cut = True
    return found
