"""A form as it was sent, with what is wrong with it: shown again with its values, and a summary that leads to them."""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self
from uuid import uuid4

from starlette.datastructures import FormData, UploadFile

from services.portal.pages.problems import FieldError, Problem

#: Fields and files that one form may have.
MOST_FIELDS, MOST_FILES = 2_000, 200


class Form:
    """``values`` by name of field; ``errors``: what is wrong, in the order of the page."""

    def __init__(self, values: Mapping[str, Sequence[Any]] | None = None, once: str | None = None) -> None:
        self._values = {name: list(found) for name, found in (values or {}).items()}
        self.errors: list[FieldError] = []
        self.problem: Problem | None = None
        #: Under which what the form makes is made once, however often it is sent.
        self.once = once or uuid4().hex

    @classmethod
    def of(cls, **values: Any) -> Self:
        """A form to be shown first, with these values."""
        return cls({name: [value] for name, value in values.items() if value is not None})

    @classmethod
    def sent(cls, data: FormData) -> Self:
        """A form that a browser has sent."""
        values: dict[str, list[Any]] = {}
        for name, value in data.multi_items():
            values.setdefault(name, []).append(value)
        once = values.get("once", [None])[0]
        return cls(values, once if isinstance(once, str) and 8 <= len(once) <= 64 else None)

    def text(self, name: str, default: str = "") -> str:
        """The first value, without the spaces around it."""
        found = self.raw(name, default)
        return found.strip()

    def raw(self, name: str, default: str = "") -> str:
        """The first value as it was written: passwords may begin with a space."""
        found = next((value for value in self._values.get(name, ()) if isinstance(value, str)), default)
        return str(found).replace("\x00", "")

    def has(self, name: str) -> bool:
        """Whether the form has this field, were it empty."""
        return name in self._values

    def names(self) -> list[str]:
        """Every field that the form has."""
        return list(self._values)

    def same(self, name: str, other: str) -> bool:
        """Whether what was written twice is the same."""
        return hmac.compare_digest(self.raw(name).encode(), self.raw(other).encode())

    def all(self, name: str) -> list[str]:
        """Every value of that name: boxes that were ticked."""
        return [value for value in self._values.get(name, ()) if isinstance(value, str)]

    def keep(self, name: str, values: Sequence[str]) -> None:
        """Give the form these values of that name, to be shown with it again."""
        self._values[name] = list(values)

    def files(self, name: str) -> list[UploadFile]:
        """The files that were chosen."""
        return [value for value in self._values.get(name, ()) if isinstance(value, UploadFile) and value.filename]

    def close(self) -> None:
        """Let the files go: nothing reads them any more."""
        for value in (each for values in self._values.values() for each in values):
            if isinstance(value, UploadFile):
                value.file.close()

    def wrong(self, field: str, message: str, action: str = "", code: str = "") -> None:
        """Something is wrong with a field."""
        self.errors.append(FieldError(field=field, message=message, action=action, code=code))

    def take(self, problem: Problem | None, names: Mapping[str, str] | None = None) -> bool:
        """What a service found wrong. ``names``: fields of the form by fields of the API; whether nothing was wrong."""
        if problem is None:
            return not self.errors
        known = names or {}
        for entry in problem.errors:
            field = known.get(entry.field, entry.field.replace(".", "-"))
            self.errors.append(
                FieldError(field=field, message=entry.message, action=entry.action, code=entry.code or problem.code)
            )
        if not problem.errors:
            self.problem = problem
        return False

    @property
    def valid(self) -> bool:
        """Nothing is known to be wrong."""
        return not self.errors and self.problem is None

    def errors_of(self, field: str) -> list[FieldError]:
        """What is wrong with this field."""
        return [error for error in self.errors if error.field == field]

    def elsewhere(self, fields: Iterable[str]) -> list[FieldError]:
        """What is wrong with fields that the page does not show."""
        shown = set(fields)
        return [error for error in self.errors if error.field not in shown]
