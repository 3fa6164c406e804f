"""The fold behind :func:`invoice.clock.clock`: facts gathered event by event, and the story told on the way."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from invoice.clock_reckoning import Facts, Reckoning, Suspension, reckon
from invoice.clock_shapes import (
    NOTICE_PATIENCE,
    SETTLEMENT_DAYS,
    VALIDATOR_DAYS,
    Admitted,
    Clock,
    ClockEvent,
    Entered,
    FileStarted,
    Noticed,
    NoticeOverdue,
    Paid,
    Payment,
    Remark,
    ServiceDone,
    Settled,
    Step,
    Terms,
    paris_day,
)
from invoice.clock_words import REMARKS, Word, step
from invoice.lifecycle_table import Effect, effect_of

_SUSPENDED: Final = "SUSPENDUE"
#: From the mandate on the law allows no interruption (R2192-27).
_MANDATED: Final = frozenset(("MANDATEE", "MISE_A_DISPOSITION_COMPTABLE", "COMPTABILISEE"))
_KINDS: Final = (Entered, FileStarted, ServiceDone, Noticed, NoticeOverdue, Admitted, Settled, Paid)


def order(event: ClockEvent) -> tuple[int, int]:
    """Where an event stands: its entry, and within one entry the status before what came with it."""
    return event.entry, _KINDS.index(type(event))


class Run:
    """One fold: takes events in order, keeps the story."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.facts = Facts()
        self.steps: list[Step] = []

    def take(self, event: ClockEvent) -> None:
        """Let one event happen."""
        match event:
            case Entered():
                self._entered(event)
            case Noticed() | NoticeOverdue():
                self._noticed(event)
            case ServiceDone():
                self._service_done(event)
            case FileStarted():
                self.facts.file = (event.on, event.proof)
                self._step(event, "file_balance" if self.terms.kind == "works_balance" else "file_started")
            case Admitted():
                self.facts.admitted = event.amount
                self._step(event, "admitted", amount=event.amount, rest=self.terms.payable - event.amount)
            case Settled():
                self.facts.settled = event.amount
                self._step(event, "settled", amount=event.amount)
            case Paid():
                self._paid(event)

    def clock(self) -> Clock:
        """What the events so far come to."""
        found = reckon(self.facts, self.terms)
        due = self._due()
        interruption = found.interruption
        return Clock(
            state=found.state,
            terms=self.terms,
            days=found.days,
            started_on=found.start,
            proof=found.proof,
            due_on=found.due,
            interrupted_on=None if interruption is None else interruption.day,
            completed_on=None if interruption is None else interruption.ended_on,
            balance=None if interruption is None else found.balance,
            paid_on=found.paid_on,
            due=due,
            disputed=self.terms.payable - due if self._is_disputed() else Decimal(0),
            payments=tuple(self._payments()),
            steps=tuple(self.steps),
            remarks=tuple(Remark(code, REMARKS[code]) for code in self._remarks(found)),
        )

    def _due(self) -> Decimal:
        facts = self.facts
        known = (amount for amount in (facts.settled, facts.admitted) if amount is not None)
        return next(known, self.terms.payable)

    def _is_disputed(self) -> bool:
        return self.facts.admitted is not None and self.facts.settled is None

    def _payments(self) -> list[Payment]:
        """What was paid, by day; *mise en paiement* with no payment stated pays all the rest on its day."""
        facts = self.facts
        stated = [Payment(each.paid_on, each.amount) for each in facts.payments]
        if facts.put_on is not None and not any(each.final for each in facts.payments):
            stated.append(Payment(facts.put_on, None))
        return sorted(stated, key=lambda each: each.paid_on)

    def _remarks(self, found: Reckoning) -> list[str]:
        holds = {
            "PAYMENT_NOT_REPORTED": self.terms.payment_reported is False,
            "ALREADY_PAID": self.terms.nothing_due == "already_paid",
            "CREDIT_NOTE": self.terms.nothing_due == "credit_note",
            "PORTAL_RULE": found.proof == "portal",
            "SUSPENSION_WITHOUT_EFFECT": self.facts.status == _SUSPENDED and found.state == "running",
            "REFUSED_HANDED_ON": self.facts.handed_on,
            "DISPUTED": self._is_disputed(),
        }
        return [code for code, told in holds.items() if told]

    # ------------------------------------------------------------ statuses

    def _entered(self, event: Entered) -> None:
        before, self.facts.status = self.facts.status, event.status
        effect = effect_of(before, event.status)
        day = paris_day(event.at)
        if before == _SUSPENDED and effect != "opens_new_delay":
            self._end_suspension("lifted", day)
        if event.status == _SUSPENDED:
            self._suspended(event, day)
        elif event.status in _MANDATED:
            self.facts.mandated = True
        else:
            self._effect(effect, event, day)

    def _effect(self, effect: Effect, event: Entered, day: date) -> None:
        facts = self.facts
        match effect:
            case "asks_validator" | "agreement" | "tacit_agreement":
                self._validated(effect, event, day)
            case "closes" | "moves_on" | "reopens":
                self._closed(effect, event)
            case "starts":
                self._available(event)
            case "starts_at_moe":
                facts.moe_on = day
                self._step(event, "moe" if reckon(facts, self.terms).proof == "moe" else "available_running")
            case "opens_new_delay":
                counted = reckon(facts, self.terms).state == "interrupted"
                self._end_suspension("completed", day)
                self._step(event, "completed" if counted else "completed_no_effect")
            case "lifts":
                self._step(event, "lifted")
            case "runs_on":
                self._recycled(event)
            case "stops":
                facts.put_on = day
                self._stopped(event)
            case _:
                pass

    def _closed(self, effect: Effect, event: Entered) -> None:
        facts = self.facts
        facts.closed = effect != "reopens"
        if effect == "reopens":
            facts.agreement, facts.handed_on = None, True
            self._step(event, "handed_on")
        else:
            self._step(event, _CLOSINGS.get(event.status, "refused_works" if effect == "closes" else "moved_on"))

    def _validated(self, effect: Effect, event: Entered, day: date) -> None:
        """A silence agreed when the 15 days ended, however late the platform came to say so."""
        facts = self.facts
        mine = self.terms.kind == "subcontractor"
        if effect == "asks_validator":
            facts.asked_on = day
            self._step(event, "validator_asked", until=day + timedelta(days=VALIDATOR_DAYS))
        elif effect == "agreement":
            facts.agreement = (day, "agreement")
            self._step(event, "agreement" if mine else "agreement_only")
        else:
            end = day if facts.asked_on is None else facts.asked_on + timedelta(days=VALIDATOR_DAYS)
            facts.agreement = (end, "tacit")
            self._step(event, "tacit_agreement" if mine else "tacit_only", day=end)

    def _available(self, event: Entered) -> None:
        facts = self.facts
        moved = event.structure is not None and facts.structure is not None and event.structure != facts.structure
        first = facts.available_at is None
        elsewhere = moved and self.terms.recycling_restarts_delay
        if first or elsewhere:
            if elsewhere:
                self._forget()
            facts.available_at, facts.notices = event.at, {event.entry}
        else:
            facts.notices.add(event.entry)
        facts.structure = event.structure or facts.structure
        running = reckon(facts, self.terms).start is not None
        code = "available_elsewhere" if elsewhere else "available"
        if not elsewhere and running:
            code = "available_running" if first else "available_again"
        self._step(event, code)

    def _forget(self) -> None:
        """Another structure: nothing of the former delay counts for it (decisions.md 2)."""
        facts = self.facts
        facts.notice_at, facts.portal, facts.agreement, facts.file = None, False, None, None
        facts.mandated, facts.suspensions = False, []

    def _recycled(self, event: Entered) -> None:
        """What the platform returns before any recipient had it brings him no agreement: his notice will count."""
        if self.facts.available_at is None:
            self.facts.agreement = None
            self._step(event, "recycling_early")
        else:
            self._step(event, "recycling")

    def _suspended(self, event: Entered, day: date) -> None:
        facts = self.facts
        before = reckon(facts, self.terms)
        facts.suspensions.append(Suspension(day, facts.mandated))
        if facts.mandated:
            code = "mandated_suspension"
        elif before.interruption is not None:
            code = "second_suspension"
        elif before.first_due is not None and day > before.first_due:
            code = "late_suspension"
        else:
            code = "interrupted"
        self._step(event, code)

    def _end_suspension(self, end: Literal["completed", "lifted"], day: date) -> None:
        last = self.facts.suspensions[-1] if self.facts.suspensions else None
        if last is not None and last.end == "open":
            last.end, last.ended_on = end, day

    # ------------------------------------------------------------ what is no status

    def _noticed(self, event: Noticed | NoticeOverdue) -> None:
        """The first acceptance within 24 hours, in whatever order it becomes known (decisions.md 18)."""
        facts = self.facts
        if facts.available_at is None or (isinstance(event, Noticed) and event.about not in facts.notices):
            return
        before = reckon(facts, self.terms)
        if isinstance(event, NoticeOverdue) or event.at > facts.available_at + NOTICE_PATIENCE:
            facts.portal = True
        elif facts.notice_at is None or event.at < facts.notice_at:
            facts.notice_at = event.at
        after = reckon(facts, self.terms)
        changed = (before.start, before.proof) != (after.start, after.proof)
        if changed and after.proof in ("notice", "portal"):
            self._step(event, after.proof)
        elif changed and after.proof == "service_done":
            self._step(event, "service_done_later", done=facts.done_on)
        elif isinstance(event, Noticed):
            self._step(event, "notice_again")

    def _service_done(self, event: ServiceDone) -> None:
        self.facts.done_on = event.done_on
        after = reckon(self.facts, self.terms)
        code = "service_done_unstarted" if after.start is None else "service_done"
        self._step(event, "service_done_later" if after.proof == "service_done" else code, done=event.done_on)

    def _paid(self, event: Paid) -> None:
        self.facts.payments.append(event)
        if event.final:
            if self.steps and self.steps[-1].entry == event.entry:
                self.steps.pop()  # the status of the same entry has told it, without the stated day
            self._stopped(event)
            return
        paid = sum((p.amount for p in self.facts.payments if p.amount is not None), Decimal(0))
        amount = event.amount or Decimal(0)
        self._step(event, "partial", day=event.paid_on, amount=amount, rest=self._due() - paid)

    def _stopped(self, event: ClockEvent) -> None:
        found = reckon(self.facts, self.terms)
        paid_on = found.paid_on
        if paid_on is None or found.due is None:
            self._step(event, "stopped_unstarted", day=paid_on)
            return
        late = (paid_on - found.due).days
        until = paid_on + timedelta(days=SETTLEMENT_DAYS)
        self._step(event, "stopped_late" if late > 0 else "stopped", day=paid_on, late=late, until=until)

    def _step(self, event: ClockEvent, code: str, **words: Word) -> None:
        """Write a line of the story, as the delay stands after it. An invoice without a delay has no story."""
        if self.terms.nothing_due is not None:
            return
        found = reckon(self.facts, self.terms)
        known = {"start": found.start, "due": found.due, "balance": found.balance, "length": found.days}
        self.steps.append(step(event, code, known | words, found.due, self.terms.currency))


_CLOSINGS: Final = {
    "REJETEE": "rejected",
    "ABANDONNEE": "withdrawn",
    "REFUSEE_1": "refused",
    "REFUSEE_2": "refused",
}
