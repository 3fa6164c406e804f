"""What a form of files becomes: each file a deposit of its own, each archive a flow, while the form still comes in."""

from typing import Any, Final

import msgspec

from services.portal.pages.call import Answer
from services.portal.pages.deposit_stream import Multipart, Part, ahead, guarded, is_archive
from services.portal.pages.page import Page
from services.portal.pages.problems import Problem

DEPOSITS: Final = "/api/v1/deposits"
FLOWS: Final = "/api/v1/flows"
_OCTETS: Final = {"Content-Type": "application/octet-stream"}
#: Between two moments of a long sending; the service answers once a document is stored.
_SECONDS: Final = 90.0
_ONCE: Final = range(8, 65)


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file. ``id`` is that of its deposit or flow; None with the ``problem`` that kept it out."""

    name: str
    archive: bool = False
    id: str | None = None
    state: str | None = None
    explanation: str = ""
    repeated: bool = False
    problem: Problem | None = None

    @property
    def path(self) -> str | None:
        """Where it is followed."""
        if self.id is None:
            return None
        return f"/flux/{self.id}" if self.archive else f"/depots/{self.id}"


class Intake(msgspec.Struct, kw_only=True):
    """The fields of the form, and what became of its files in their order."""

    fields: dict[str, str] = msgspec.field(default_factory=dict)
    sent: list[Sent] = msgspec.field(default_factory=list)

    def get(self, name: str) -> str:
        """A field's value; empty where there is none."""
        return self.fields.get(name, "").strip()

    @property
    def once(self) -> str:
        """What makes a file sent twice one deposit; empty where the form has none."""
        found = self.get("once")
        return found if len(found) in _ONCE and found.isascii() and found.isprintable() else ""

    @property
    def refused(self) -> list[Sent]:
        """The files that were kept out."""
        return [each for each in self.sent if each.problem is not None]


async def take(page: Page) -> Intake:
    """Send the files of a form on as they come. Raises ``Shown`` for a form that is none of ours, or breaks off."""
    found = Intake()
    async with guarded(page) as parts:
        async for part in parts:
            if part.file_name is None:
                found.fields[part.name] = await part.text()
            elif part.name == "file" and part.file_name:
                found.sent.append(await _send(page, part, part.file_name, found))
                await part.skip()
    return found


async def _send(page: Page, part: Part, name: str, form: Intake) -> Sent:
    head, chunks = await ahead(part.chunks())
    if not head:
        return Sent(name=name, problem=Problem(status=400, code="FILE_EMPTY"))
    if is_archive(head):
        answer = await page.call.ask(
            "POST", "ingest", FLOWS, params={"name": name}, content=chunks, headers=_OCTETS, seconds=_SECONDS
        )
        return _read(answer, name, archive=True)
    body = Multipart({"as_draft": "oui"} if form.get("review") == "oui" else {}, name)
    key = {"Idempotency-Key": f"{form.once}-{len(form.sent)}"} if form.once else {}
    answer = await page.call.ask(
        "POST", "ingest", DEPOSITS, content=body.around(chunks), headers={**body.headers, **key}, seconds=_SECONDS
    )
    return _read(answer, name, archive=False)


def _read(answer: Answer, name: str, *, archive: bool) -> Sent:
    if answer.problem is not None:
        return Sent(name=name, archive=archive, problem=answer.problem)
    data: dict[str, Any] = answer.data
    return Sent(
        name=name,
        archive=archive,
        id=str(data["id"]),
        state=data["state"],
        explanation=data.get("explanation") or data.get("label") or "",
        repeated=bool(data.get("repeated")),
    )
