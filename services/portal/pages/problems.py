"""What a service refused or could not do, as pages use it."""

from typing import Any, Final

import msgspec


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a problem: which field, what is wrong, what to write instead. ``line``: that of a file."""

    field: str
    message: str
    action: str = ""
    code: str = ""
    value: str | None = None
    line: int | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem+json answer. ``detail`` is French; ``trace`` is what support asks for; ``wait``: so many seconds, where
    the service says after how long the same request is answered again."""

    status: int
    code: str
    title: str = ""
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    trace: str | None = None
    wait: int | None = None

    @property
    def away(self) -> bool:
        """Nobody answered, or not in time, or he has asked too often: the same request may be answered later."""
        return self.status in (429, 502, 503, 504)

    @property
    def busy(self) -> bool:
        """He has asked more often than the service allows."""
        return self.status == 429


class Shown(Exception):
    """Instead of this page, the page of this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


#: What a person may not see and what is not there look alike.
NOT_FOUND: Final = Problem(status=404, code="NOT_FOUND")


def read(status: int, body: Any, retry_after: str = "") -> Problem:
    """A problem from what a service answered, whatever that was. ``retry_after``: the header of that name."""
    given = body if isinstance(body, dict) else {}
    entries = given.get("errors")
    return Problem(
        status=status,
        code=str(given.get("code") or f"HTTP_{status}"),
        title=str(given.get("title") or ""),
        detail=str(given.get("detail") or ""),
        errors=tuple(_entry(each) for each in entries if isinstance(each, dict)) if isinstance(entries, list) else (),
        trace=given.get("trace") if isinstance(given.get("trace"), str) else None,
        wait=int(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 8 else None,
    )


def _entry(given: dict[str, Any]) -> FieldError:
    value = given.get("value")
    return FieldError(
        field=str(given.get("field") or ""),
        message=str(given.get("message") or ""),
        action=str(given.get("action") or ""),
        code=str(given.get("rule") or ""),
        value=None if value is None else str(value),
        line=given["line"] if isinstance(given.get("line"), int) else None,
    )
