"""What ingest does with readings, with directory entries and with rejections."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import msgspec

from contracts.envelope import Event
from contracts.events import (
    ActionRecorded,
    Attachment,
    DelayAtRisk,
    DepositRefused,
    DocumentRead,
    DocumentUnreadable,
    DraftSaved,
    InvoiceSubmitted,
    Payload,
    RoutingRequested,
    StatusChanged,
)
from invoice import cadres
from invoice.sandbox import is_sandbox
from services.common import telemetry, tenants, timers
from services.common.deliver import Tx
from services.common.failures import Rejected
from services.common.subject import subject_id
from services.common.timers import Timer
from services.ingest import (
    ageing,
    attachment_store,
    directory,
    domain,
    flow_items,
    history,
    metrics,
    pieces,
    rejections,
    replica,
    store,
    trial,
)
from services.ingest.domain import ON_READING, Candidate, Contents, Deposit, State, Verdict
from services.ingest.flow_domain import OF_DEPOSIT

READING_OVERDUE = "reading_overdue"
Reading = DocumentRead | DocumentUnreadable
#: They come with the changes of status, and change nothing of a deposit.
_OF_NO_CONCERN = ActionRecorded | RoutingRequested | DelayAtRisk


class Case(msgspec.Struct, frozen=True):
    """A reading and the deposit it is of."""

    event: Event
    reading: Reading
    deposit: Deposit


async def handle(tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
    """Directory entries and rejections first; returns the readings that wait for the directory to be complete.

    They wait as rows rather than hold the partition: a batch may bring readings and the missing directory together.
    """
    entries, readings, changes = [], [], []
    for event in events:
        if isinstance(event.data, directory.PUBLISHED):
            entries.append(directory.entry(event.subject, event.data))
        elif isinstance(event.data, Reading):
            readings.append((event, event.data))
        elif isinstance(event.data, StatusChanged):
            changes.append((_deposit_id(event), event.data))
        elif isinstance(event.data, _OF_NO_CONCERN):
            continue
        else:
            raise Rejected("UNEXPECTED_TYPE", event.type)
    await directory.apply(tx.conn, entries)
    await tenants.ask(tx, events)
    await rejections.note(tx.conn, changes)
    return await _handle_readings(tx, readings) if readings else []


async def decide(tx: Tx, readings: Sequence[tuple[Event, Reading]]) -> list[Event]:
    """Decide deposits on readings made elsewhere: those of a flow's structured invoices. Their keys must be locked."""
    return await _handle_readings(tx, readings)


async def _handle_readings(tx: Tx, readings: Sequence[tuple[Event, Reading]]) -> list[Event]:
    cases = await _cases(tx, readings)
    verdicts: dict[UUID, Verdict] = {}
    candidates: dict[UUID, Candidate] = {}
    for case in cases:
        found = _first_look(case)
        if isinstance(found, Candidate):
            candidates[case.deposit.id] = found
        else:
            verdicts[case.deposit.id] = found
    waiting: list[Event] = []
    if candidates:
        if await directory.gap(tx.conn) is not None:
            waiting = [case.event for case in cases if case.deposit.id in candidates]
        else:
            verdicts |= await _judge(tx, cases, candidates)
    read = {case.deposit.id: case.reading.fields for case in cases if isinstance(case.reading, DocumentRead)}
    verdicts = await trial.told(tx.conn, verdicts, read)
    await _write(tx, [(case, verdicts[case.deposit.id]) for case in cases if case.deposit.id in verdicts])
    return waiting


async def _cases(tx: Tx, readings: Sequence[tuple[Event, Reading]]) -> list[Case]:
    """The readings that have something to decide: one per deposit, of deposits that are not decided yet.

    Raises :class:`Rejected` for a reading that can be of no deposit here.
    """
    ids = {event.id: _deposit_id(event) for event, _ in readings}
    deposits = await store.load(tx.conn, sorted(ids.values()))
    cases: dict[UUID, Case] = {}
    for event, reading in readings:
        deposit = deposits.get(ids[event.id])
        if deposit is None:
            raise Rejected("DEPOSIT_UNKNOWN", "no deposit has this id")
        if reading.sha256 != deposit.document.sha256:
            raise Rejected("READING_OF_OTHER_BYTES", "sha256 is not that of the deposited document")
        effect = ON_READING[deposit.state]
        if effect == "forbidden":
            raise Rejected("DEPOSIT_WITHOUT_DOCUMENT", "a duplicate has no document of its own")
        if effect == "apply":
            cases.setdefault(deposit.id, Case(event, reading, deposit))
    return list(cases.values())


def _first_look(case: Case) -> Verdict | Candidate:
    if isinstance(case.reading, DocumentUnreadable):
        return domain.of_unreadable(case.reading.reasons)
    found = domain.of_reading(case.reading, case.deposit.suppliers, case.deposit.given.cadre)
    return domain.held(found) if isinstance(found, Candidate) and case.deposit.given.as_draft else found


def _deposit_id(event: Event) -> UUID:
    return subject_id(event, "DEPOSIT_UNKNOWN", "the key is not a deposit's id")


async def _judge(tx: Tx, cases: Sequence[Case], candidates: dict[UUID, Candidate]) -> dict[UUID, Verdict]:
    """Check the candidates against the directory and take the numbers of those that pass."""
    given = [case.deposit.given for case in cases if case.deposit.id in candidates]
    headers = [candidate.header for candidate in candidates.values()]
    known = await replica.load(tx.conn, headers, [each.moa.siret for each in given if each.moa is not None])
    earlier = await pieces.load(tx.conn, given)
    judged = {
        case.deposit.id: (case.deposit, domain.judge(candidates[case.deposit.id], case.deposit, known, earlier))
        for case in cases
        if case.deposit.id in candidates
    }
    stopped = await rejections.stopped(tx.conn, {id_: verdict for id_, (_, verdict) in judged.items()})
    judged |= {id_: (judged[id_][0], verdict) for id_, verdict in stopped.items()}
    accepted = {id_: pair for id_, pair in judged.items() if pair[1].state is State.SUBMITTED}
    numbered = await store.take_numbers(tx.conn, domain.claims(accepted))
    numbered |= {id_ for id_, (_, verdict) in accepted.items() if not domain.numbered(verdict)}
    verdicts = {
        id_: domain.refused_number(verdict, deposit.given) if id_ in accepted and id_ not in numbered else verdict
        for id_, (deposit, verdict) in judged.items()
    }
    verdicts = await _with_history(tx, cases, verdicts)
    return await replica.suggested(
        tx.conn,
        {
            case.deposit.id: (_as_judged(case, candidates[case.deposit.id]), verdicts[case.deposit.id])
            for case in cases
            if case.deposit.id in candidates
        },
        known,
    )


async def _with_history(tx: Tx, cases: Sequence[Case], verdicts: dict[UUID, Verdict]) -> dict[UUID, Verdict]:
    """What the earlier invoices of the same supplier warn of; these ones are kept for the next."""
    invoices = [
        found
        for case in cases
        if case.deposit.id in verdicts and isinstance(case.reading, DocumentRead)
        if (found := history.new(case.deposit, verdicts[case.deposit.id], case.reading.fields)) is not None
    ]
    said = await history.compared(tx.conn, invoices)
    await history.keep(tx.conn, invoices)
    return {id_: history.told(verdict, said.get(id_, ())) for id_, verdict in verdicts.items()}


def _as_judged(case: Case, candidate: Candidate) -> replica.Case:
    texts = tuple(field.raw for field in case.reading.fields) if isinstance(case.reading, DocumentRead) else ()
    deposit = case.deposit
    return replica.Case(candidate.header, domain.paris_day(deposit.received_at), deposit.suppliers, texts)


async def _write(tx: Tx, decided: Sequence[tuple[Case, Verdict]]) -> None:
    """Rows, events and timers of what was decided."""
    await store.decide(tx.conn, [_decision(case, verdict) for case, verdict in decided], tx.now)
    settled = [_settled(case, verdict) for case, verdict in decided]
    flows = await flow_items.settle(tx.conn, settled, tx.now)
    submitted = [case.deposit.id for case, verdict in decided if verdict.state is State.SUBMITTED]
    attached = await attachment_store.of(tx.conn, submitted)
    for case, verdict in decided:
        data = _event(tx, case.deposit, verdict, attached.get(case.deposit.id, ()), flows.get(case.deposit.id))
        tx.emit(data, key=str(case.deposit.id), cause=case.event, tenant=verdict.tenant)
        metrics.DECIDED.labels(state=verdict.state.value).inc()
    drafts = [case.deposit.id for case, verdict in decided if verdict.state is State.TO_VERIFY]
    await ageing.start(tx.conn, drafts, tx.now)
    if decided:
        await timers.cancel(tx.conn, [str(case.deposit.id) for case, _ in decided], READING_OVERDUE)
        telemetry.logger().info("deposits.decided", **Counter(verdict.state.value for _, verdict in decided))


def _decision(case: Case, verdict: Verdict) -> store.Decision:
    return store.Decision(
        id=case.deposit.id,
        state=verdict.state,
        read_at=case.event.time,
        invoice_number=verdict.invoice_number,
        header=verdict.header,
        fields=case.reading.fields if isinstance(case.reading, DocumentRead) else (),
        findings=verdict.findings,
        contents=Contents.of(case.reading) if isinstance(case.reading, DocumentRead) else None,
        issuer=None if verdict.header is None else cadres.issuer(verdict.header, case.deposit.given),
        works_file=None if verdict.works is None else UUID(verdict.works.file),
        sandbox=is_sandbox(verdict.tenant),
    )


def _settled(case: Case, verdict: Verdict) -> flow_items.Settled:
    said = verdict.warnings if verdict.state is State.SUBMITTED else verdict.reasons
    supplier = None if verdict.header is None else verdict.header.supplier_siret
    read = case.reading.fields if isinstance(case.reading, DocumentRead) else ()
    recipient = next((field.value for field in read if field.name == "recipient_siret"), None)
    outcome, number = OF_DEPOSIT[verdict.state], verdict.invoice_number
    return flow_items.Settled(case.deposit.id, outcome, said, number, verdict.tenant, supplier, recipient)


def _event(
    tx: Tx, deposit: Deposit, verdict: Verdict, attachments: tuple[Attachment, ...], flow: UUID | None
) -> Payload:
    if verdict.header is not None:
        return InvoiceSubmitted(
            invoice=verdict.header,
            document=deposit.document,
            depositor=deposit.depositor,
            contact=deposit.contact,
            file_name=deposit.file_name,
            submitted_at=tx.now,
            warnings=verdict.warnings,
            validators=tuple(party.siret for party in deposit.given.validators),
            validator_parties=deposit.given.validators,
            works=verdict.works,
            attachments=attachments,
        )
    if verdict.state is State.REFUSED:
        return DepositRefused(
            depositor=deposit.depositor,
            contact=deposit.contact,
            file_name=deposit.file_name,
            reasons=verdict.reasons,
            refused_at=tx.now,
            invoice_number=verdict.invoice_number,
            flow=None if flow is None else str(flow),
        )
    return DraftSaved(
        depositor=deposit.depositor,
        contact=deposit.contact,
        file_name=deposit.file_name,
        version=1,
        reasons=verdict.reasons,
        saved_at=tx.now,
        flow=None if flow is None else str(flow),
    )


async def reading_overdue(tx: Tx, due: Sequence[Timer]) -> None:
    """Tell the depositor and the operator that a reading takes longer than it should. It is still awaited."""
    late = await store.mark_overdue(tx.conn, [UUID(timer.key) for timer in due], tx.now)
    for deposit in sorted(late):
        telemetry.logger().warning("reading.overdue", deposit=str(deposit))
    metrics.OVERDUE.inc(len(late))
