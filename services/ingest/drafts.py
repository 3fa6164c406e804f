"""Drafts: begun, read, written, sent, dropped. A draft is a deposit that waits for a person; nothing of it is sent.

Everything of a depositor's passes the API's role and its row-level security. The checks also need what no depositor may
read as such (the directory's replica, whether a number is taken, pieces of other parties): the worker's role looks that
up, and only what the rules say of it is answered.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from uuid import UUID

import msgspec

from contracts.events import ClaimCheck
from invoice.findings import refusals as refusing
from invoice.sandbox import is_sandbox
from invoice.typed import FIELDS, MAX_LINES, Sheet, assemble
from invoice.typed_lines import Line
from services.common import clock, telemetry
from services.common.auth import Principal
from services.common.blobs import Blobs
from services.common.db import Pool, scoped
from services.common.deliver import transaction
from services.common.web import Problem
from services.ingest import (
    ageing,
    directory,
    draft_refusals,
    draft_rules,
    draft_store,
    history,
    pieces,
    refusals,
    replica,
    sending,
    store,
    trial,
)
from services.ingest.depositing import depositor, sending_scope
from services.ingest.domain import LABELS, State, Verdict, paris_day
from services.ingest.draft_rules import Examined, Filled
from services.ingest.draft_store import Draft
from services.ingest.identity import uuid7
from services.ingest.settings import IngestSettings
from services.ingest.store import Stored


class Held(msgspec.Struct, frozen=True):
    """A draft in hand: the deposit, what is written, what the checks say (None of one that was sent since)."""

    stored: Stored
    draft: Draft
    examined: Examined | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a person changes: values by field (None empties one), and all lines at once where they are given."""

    fields: Mapping[str, str | None] = MappingProxyType({})
    lines: tuple[Line, ...] | None = None

    def on(self, filled: Filled) -> Filled:
        """The draft with the change. What is written again as it stood keeps where it is from."""
        values, sources = dict(filled.sheet.values), dict(filled.sources)
        for name, value in self.fields.items():
            if value is None or not value.strip():
                values.pop(name, None)
                sources.pop(name, None)
            elif values.get(name) != value:
                values[name] = value
                sources[name] = "typed"
        lines = filled.sheet.lines if self.lines is None else self.lines
        return Filled(sheet=Sheet(values=values, lines=lines), sources=sources)


def checked(change: Change) -> Change:
    """Raises the problem of a change that names what is no field, or brings too many lines."""
    unknown = [name for name in change.fields if name not in FIELDS]
    if unknown:
        raise draft_refusals.field_unknown(unknown, list(FIELDS))
    if change.lines is not None and len(change.lines) > MAX_LINES:
        raise refusals.field_too_long("lines", MAX_LINES)
    return change


class Drafts:
    """The drafts of depositors."""

    def __init__(self, pool: Pool, api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> None:
        self._worker = pool
        self._pool = api_pool
        self._blobs = blobs
        self._settings = settings

    async def begin(
        self,
        principal: Principal,
        filled: Filled,
        copied_from: UUID | None = None,
        key: str | None = None,
        *,
        with_document: bool = False,
    ) -> Held:
        """A draft without a document, or ``with_document`` of the refused deposit that it is made of; under a key that
        began one before, that one."""
        async with self._worker.acquire() as connection:
            if await directory.gap(connection) is not None:  # or there would be a draft that cannot be answered yet
                raise draft_refusals.directory_not_ready()
        now = clock.now()
        draft = Draft(filled=filled, version=1, saved_at=now, copied_from=copied_from)
        id_ = uuid7(now)
        keys = [str(id_), *([f"idempotency/{key}/{principal.subject}"] if key else [])]
        async with transaction(self._pool, "ingest", keys=keys, scope=principal.scope()) as tx:
            earlier, _ = await store.earlier(tx.conn, principal.subject, key, "")
            if earlier is not None:
                return await self._begun(principal, earlier)
            count = await tx.conn.fetchval(
                "select count(*) from deposit where depositor = $1 and state = 'to_verify'", principal.subject
            )
            if count >= self._settings.max_drafts:
                raise draft_refusals.too_many_drafts(self._settings.max_drafts)
            await draft_store.begin(tx.conn, id_, principal, now, key)
            await draft_store.save(tx.conn, id_, principal.subject, draft)
            if with_document and copied_from is not None:
                await draft_store.take_document(tx.conn, id_, copied_from)
            await ageing.start(tx.conn, [id_], now)
        telemetry.logger().info("draft.begun", deposit=str(id_))
        return await self.read(principal, id_)

    async def _begun(self, principal: Principal, earlier: Stored) -> Held:
        """The draft that was begun under the same key. Raises the problem of a key that made something else."""
        if earlier.state is not State.TO_VERIFY:
            raise refusals.key_reused(str(earlier.id))
        return await self.read(principal, earlier.id)

    async def page(
        self, principal: Principal, before: UUID | None, limit: int
    ) -> tuple[list[tuple[Stored, Draft]], Collection[str]]:
        """A depositor's drafts, newest first, and which of their recipients are of a sandbox."""
        async with scoped(self._pool, principal.scope()) as connection:
            found = await draft_store.page(connection, principal.subject, before, limit)
        written = [draft_rules.written(stored.fields, draft.filled) for stored, draft in found]
        named = {values["recipient_siret"] for values in written if "recipient_siret" in values}
        async with self._worker.acquire() as connection:
            return found, await trial.tenants_of(connection, named)

    async def read(self, principal: Principal, deposit: UUID) -> Held:
        """A draft of the asker's with what the checks say now. Raises the problem of what is none."""
        async with scoped(self._pool, principal.scope()) as connection:
            stored = await store.find(connection, deposit)
            draft = None if stored is None else await draft_store.find(connection, deposit)
        stored, draft = _as_draft(principal, stored, draft)
        return Held(stored, draft, await self.examine(principal, stored, draft.filled.sheet))

    async def write(self, principal: Principal, deposit: UUID, version: int, change: Change) -> Held:
        """Save a change to the version that the writer has read. Raises 412 where another was saved since."""
        async with transaction(self._pool, "ingest", keys=[str(deposit)], scope=principal.scope()) as tx:
            stored = await store.find(tx.conn, deposit)
            saved = None if stored is None else await draft_store.find(tx.conn, deposit)
            stored, draft = _as_draft(principal, stored, saved)
            if draft.version != version:
                raise draft_refusals.version_changed(draft.version)
            draft = msgspec.structs.replace(
                draft, filled=change.on(draft.filled), version=version + 1, saved_at=clock.now()
            )
            await draft_store.save(tx.conn, deposit, principal.subject, draft)
        return Held(stored, draft, await self.examine(principal, stored, draft.filled.sheet))

    async def drop(self, principal: Principal, deposit: UUID, version: int) -> None:
        """Delete a draft in the version that was read. Its files go with the next sweep."""
        async with transaction(self._pool, "ingest", keys=[str(deposit)], scope=principal.scope()) as tx:
            stored = await store.find(tx.conn, deposit)
            saved = None if stored is None else await draft_store.find(tx.conn, deposit)
            _, draft = _as_draft(principal, stored, saved)
            if draft.version != version:
                raise draft_refusals.version_changed(draft.version)
            if not await draft_store.drop(tx.conn, deposit):
                raise draft_refusals.unknown()
        telemetry.logger().info("draft.dropped", deposit=str(deposit))

    async def examine(self, principal: Principal, stored: Stored, sheet: Sheet, *, numbered: bool = True) -> Examined:
        """Everything the checks say of what is written, as of today."""
        assembled = assemble(sheet, with_document=bool(stored.document.sha256))
        by = depositor(principal)
        on = paris_day(clock.now())
        async with self._worker.acquire() as connection:
            if await directory.gap(connection) is not None:
                raise draft_refusals.directory_not_ready()
            known = await replica.load(connection, [assembled.provisional], draft_rules.others_asked(assembled))
            sandbox = is_sandbox(draft_rules.tenant_of(assembled, known))
            asked = numbered and draft_rules.sendable(assembled, by)
            number = draft_rules.number_of(assembled, sandbox=sandbox) if asked else None
            examined = draft_rules.examine(
                assembled,
                by,
                on=on,
                known=known,
                pieces=await pieces.load(connection, [assembled.given]),
                own=str(stored.id),
                number_is_taken=await draft_store.number_taken(connection, number),
            )
            said = await history.of_draft(connection, stored.id, examined, by)
            examined = draft_rules.with_history(examined, said)
            case = replica.Case(assembled.provisional, on, by.at("FOURNISSEUR"), tuple(draft_store.texts(stored)))
            verdict = Verdict(state=State.REFUSED, findings=examined.findings)
            answered = await replica.suggested(connection, {stored.id: (case, verdict)}, known)
        return msgspec.structs.replace(examined, findings=answered[stored.id].findings)

    async def sandbox_of(self, siret: str) -> str | None:
        """The sandbox that a recipient is of, if it is of one."""
        async with self._worker.acquire() as connection:
            return (await trial.tenants_of(connection, [siret])).get(siret)

    async def submit(self, principal: Principal, deposit: UUID, version: int, traceparent: str | None) -> Stored:
        """Send a draft in the version that was read; one that was sent already stays as it was sent."""
        if (sent := await self._sent(principal, deposit)) is not None:
            return sent
        try:
            return await self._submit(principal, deposit, version, traceparent)
        except Problem:
            # Another request may have sent it while this one looked: its number is then taken, by itself.
            if (sent := await self._sent(principal, deposit)) is not None:
                return sent
            raise

    async def _sent(self, principal: Principal, deposit: UUID) -> Stored | None:
        async with scoped(self._pool, principal.scope()) as connection:
            stored = await store.find(connection, deposit)
        return stored if stored is not None and stored.state is State.SUBMITTED else None

    async def _submit(self, principal: Principal, deposit: UUID, version: int, traceparent: str | None) -> Stored:
        held = await self.read(principal, deposit)
        if held.draft.version != version:
            raise draft_refusals.version_changed(held.draft.version)
        assert held.examined is not None
        if held.examined.header is None:
            raise draft_refusals.to_correct(refusing(held.examined.findings), typed=False)
        document, name = await self._document(principal, held)
        async with transaction(self._pool, "ingest", keys=[str(deposit)], scope=sending_scope(principal)) as tx:
            now = await store.find(tx.conn, deposit)
            saved = await draft_store.find(tx.conn, deposit)
            _, draft = _as_draft(principal, now, saved)
            # A document that was given meanwhile was neither checked nor read over with this version.
            if draft.version != version or now is None or now.document.sha256 != held.stored.document.sha256:
                raise draft_refusals.version_changed(draft.version)
            await sending.send(tx, principal, deposit, held.examined, document, name, traceparent, now.read_as)
            sent = await store.find(tx.conn, deposit)
        assert sent is not None
        telemetry.logger().info("draft.sent", deposit=str(deposit))
        return sent

    async def _document(self, principal: Principal, held: Held) -> tuple[ClaimCheck, str]:
        """The draft's own document, or the one that is made of what was typed."""
        if held.stored.document.sha256:
            return held.stored.document, held.stored.file_name
        assert held.examined is not None
        content, name = await sending.made(held.draft.filled.sheet, held.examined.assembled, held.examined.tenant)
        return await sending.keep(self._blobs, principal, content), name


def _as_draft(principal: Principal, stored: Stored | None, saved: Draft | None) -> tuple[Stored, Draft]:
    """The draft as it is written, or as the reading left it. Raises the problem of a deposit that is none."""
    if stored is None:
        raise draft_refusals.unknown()
    if stored.state is not State.TO_VERIFY:
        raise draft_refusals.not_a_draft(LABELS[stored.state])
    if saved is not None:
        return stored, saved
    filled = draft_rules.prefilled(stored.fields, stored.contents, stored.given, depositor(principal).at("FOURNISSEUR"))
    return stored, msgspec.structs.replace(draft_store.untouched(stored), filled=filled)


def typed_filled(change: Change) -> Filled:
    """A draft of which everything is typed."""
    return change.on(Filled(sheet=Sheet()))
