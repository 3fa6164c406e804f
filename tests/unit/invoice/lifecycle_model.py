"""The life of an invoice as the prose tells it (chorus-pro.md 8, 10; decisions.md), without a look at the table.

A second opinion: rules as sentences, where the product has rows. Whatever both disagree on is a fault in one of them.
"""

from functools import cache
from typing import NamedTuple

#: What the recipient has before him and has not settled.
ON_HIS_DESK = {"MISE_A_DISPOSITION", "PRISE_EN_COMPTE_DESTINATAIRE", "COMPLETEE", "SERVICE_FAIT"}
#: Any may be skipped, none goes back.
PAYMENT = ["SERVICE_FAIT", "MANDATEE", "MISE_A_DISPOSITION_COMPTABLE", "COMPTABILISEE", "MISE_EN_PAIEMENT"]
COMPTABLE_TOO = {"COMPTABILISEE", "MISE_EN_PAIEMENT"}
END = {"SUPPRIMEE", "ABANDONNEE", "REJETEE", "MISE_EN_PAIEMENT"}
DRAFTS = {"BROUILLON", "INTERPRETEE_OCR"}
POSTED = {"MISE_A_DISPOSITION", "A_RECYCLER", "REJETEE", "SUSPENDUE", *PAYMENT}
#: Who is asked, what he may answer, what his silence is, what his « not me » is, and who puts that right.
ASKED = {
    "A_VALIDER_1": (
        "V1",
        "VALIDEE_1",
        "REFUSEE_1",
        "ABSENCE_VALIDATION_1_HORS_DELAI",
        "ERREUR_FOURNISSEUR_SUR_VALIDEUR",
    ),
    "A_VALIDER_2": (
        "V2",
        "VALIDEE_2",
        "REFUSEE_2",
        "ABSENCE_VALIDATION_2_HORS_DELAI",
        "ERREUR_COTRAITANT_SUR_VALIDEUR",
    ),
}
CORRECTS = {"ERREUR_FOURNISSEUR_SUR_VALIDEUR": {"F"}, "ERREUR_COTRAITANT_SUR_VALIDEUR": {"F", "V1"}}
BEFORE_THE_RECIPIENT = {
    None,
    *DRAFTS,
    "DEPOSEE",
    "EN_COURS_ACHEMINEMENT",
    *(status for question, answers in ASKED.items() for status in (question, *answers[1:])),
}


class Life(NamedTuple):
    """One way: how many validators, whether a refusal is handed to the buyer (S3), whether the order is free."""

    validators: int = 0
    refused_goes_on: bool = False
    lenient: bool = False

    def may(self, status: str | None, target: str, *, had_it: bool = False) -> frozenset[str]:
        """Who may give ``target``; ``had_it``: a recipient has had the invoice."""
        return _may(self, status, target, had_it)

    def said(self, status: str | None, target: str, had_it: bool) -> set[str]:
        """The sentences one after the other."""
        return (
            self._enters(status, target)
            | self._validates(status, target)
            | self._travels(status, target)
            | (self._withdraws(status, target) if not had_it else set())
            | self._treats(status, target)
            | self._pays(status, target)
            | (self._posts(status, target, had_it) if self.lenient else set())
        )

    @property
    def first(self) -> str:
        """Where the way begins for the others."""
        return "A_VALIDER_1" if self.validators else "DEPOSEE"

    def _enters(self, status: str | None, target: str) -> set[str]:
        """A draft may be kept, sent or deleted; a deposit may be sent at once, by a person or by a flow."""
        if status is None:
            return {"INTERPRETEE_OCR": {"S"}, "BROUILLON": {"F"}, self.first: {"F", "S"}}.get(target, set())
        if status in DRAFTS and target in (self.first, "SUPPRIMEE"):
            return {"F"}
        return {"F"} if (status, target) == ("INTERPRETEE_OCR", "BROUILLON") else set()

    def _validates(self, status: str | None, target: str) -> set[str]:
        if not self.validators or status is None:
            return set()
        questions = list(ASKED)[: self.validators]
        for number, question in enumerate(questions):
            who, yes, no, silence, wrong = ASKED[question]
            if status == question:
                return {"S"} if target == silence else {who} if target in (yes, no, wrong) else set()
            if status == wrong:
                return CORRECTS[wrong] if target == question else set()
            if status in (yes, silence):
                last = number + 1 == len(questions)
                return {"S"} if target == ("DEPOSEE" if last else questions[number + 1]) else set()
            if status == no:
                return {"S"} if self.refused_goes_on and target == "DEPOSEE" else set()
        return set()

    def _travels(self, status: str | None, target: str) -> set[str]:
        """The platform brings it to the recipient, or back when nobody may receive it; the supplier sends it again."""
        if status == "DEPOSEE" and target in ("EN_COURS_ACHEMINEMENT", "MISE_A_DISPOSITION", "A_RECYCLER"):
            return {"S"}
        if (status, target) == ("EN_COURS_ACHEMINEMENT", "MISE_A_DISPOSITION"):
            return {"S"}
        return {"F"} if (status, target) == ("A_RECYCLER", "DEPOSEE") else set()

    def _withdraws(self, status: str | None, target: str) -> set[str]:
        """Until a recipient has had it, its sender may take it back, validation included."""
        waiting = {"DEPOSEE", "EN_COURS_ACHEMINEMENT", "A_RECYCLER"}
        for question in list(ASKED)[: self.validators]:
            waiting |= {question, ASKED[question][4]}
        return {"F"} if target == "ABANDONNEE" and status in waiting else set()

    def _treats(self, status: str | None, target: str) -> set[str]:
        if target == "PRISE_EN_COMPTE_DESTINATAIRE":
            return {"D"} if status in ("MISE_A_DISPOSITION", "COMPLETEE") else set()
        if target in ("A_RECYCLER", "SUSPENDUE") and status in ON_HIS_DESK:
            return {"D"}
        if target == "REJETEE" and status in ON_HIS_DESK | {"SUSPENDUE", "MANDATEE", "MISE_A_DISPOSITION_COMPTABLE"}:
            return {"D"}
        if status == "SUSPENDUE":
            return {"COMPLETEE": {"F"}, "MISE_A_DISPOSITION": {"D"}}.get(target, set())
        return set()

    def _pays(self, status: str | None, target: str) -> set[str]:
        if target not in PAYMENT or status not in ON_HIS_DESK | set(PAYMENT[:-1]):
            return set()
        again = (status, target) == ("MISE_A_DISPOSITION_COMPTABLE", "MANDATEE")
        done = PAYMENT.index(status) if status in PAYMENT else -1
        if not again and PAYMENT.index(target) <= done:
            return set()
        return {"C", "D"} if target in COMPTABLE_TOO else {"D"}

    def _posts(self, status: str | None, target: str, had_it: bool) -> set[str]:
        """Any status of the recipient's after any other, once it has been there; what is over is over."""
        there = ON_HIS_DESK | {"SUSPENDUE", *PAYMENT[:-1]} | ({"A_RECYCLER"} if had_it else set())
        if status not in there or target not in POSTED or status == target:
            return set()
        return {"C", "D"} if target in COMPTABLE_TOO else {"D"}

    def over(self, status: str) -> bool:
        """Whether nothing may follow."""
        return status in END or (status in ("REFUSEE_1", "REFUSEE_2") and not self.refused_goes_on)

    def statuses(self) -> set[str]:
        """Every status of this way."""
        found: set[str] = set()
        waiting: list[str | None] = [None]
        while waiting:
            here = waiting.pop()
            for target in UNIVERSE:
                if target not in found and (self.may(here, target) or self.may(here, target, had_it=True)):
                    found.add(target)
                    waiting.append(target)
        return found

    def setters(self, target: str) -> set[str]:
        """Who may give ``target`` at some time."""
        return {
            who
            for status in (None, *UNIVERSE)
            for had_it in (False, True)
            for who in self.may(status, target, had_it=had_it)
        }

    def to_come(self, status: str | None) -> set[str]:
        """What is still to come for an invoice that no recipient has had: on the way to him, and all that is after."""
        if status not in BEFORE_THE_RECIPIENT:
            return set()
        on_the_way, after = self._reach(status, early=True), self._reach(status, early=False)
        return on_the_way | {each for each in after if each not in BEFORE_THE_RECIPIENT}

    def _reach(self, status: str | None, *, early: bool) -> set[str]:
        found: set[str] = set()
        waiting = [status]
        while waiting:
            here = waiting.pop()
            if early and here not in BEFORE_THE_RECIPIENT:
                continue
            fresh = {t for t in UNIVERSE if t not in found and (self.may(here, t) or self.may(here, t, had_it=True))}
            found |= fresh
            waiting += sorted(fresh)
        return found


@cache
def _may(life: Life, status: str | None, target: str, had_it: bool) -> frozenset[str]:
    return frozenset(life.said(status, target, had_it))


UNIVERSE = {
    *END,
    *DRAFTS,
    *ON_HIS_DESK,
    *PAYMENT,
    *(status for status in BEFORE_THE_RECIPIENT if status is not None),
    "A_RECYCLER",
    "SUSPENDUE",
}
