"""The statement of late interest and indemnity: what it says, line by line, in French. Pure; another file draws it."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from invoice.clock_shapes import Clock
from invoice.interest import POINTS, Owed, owed
from invoice.money import show_amount, show_date

_PROOFS: Final = {
    "notice": "acceptation de l'avis envoyé par courriel au destinataire (R2192-15)",
    "portal": "mise à disposition sur la plateforme, faute d'avis accepté en 24 heures (règle de la plateforme)",
    "service_done": "date d'exécution, postérieure à la réception (R2192-13)",
    "agreement": "accord du valideur (R2192-23)",
    "tacit": "fin des 15 jours du valideur sans réponse (R2192-23)",
    "moe": "réception par le maître d'œuvre (R2192-12)",
}


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whom and what the statement is about. Names may be absent where they are not known."""

    invoice_number: str
    issue_date: date
    supplier_siret: str
    recipient_siret: str
    supplier_name: str | None = None
    recipient_name: str | None = None
    service_code: str | None = None
    engagement: str | None = None
    contract: str | None = None


class Row(msgspec.Struct, frozen=True):
    """One line of interest, as shown: period, days, base, rate, amount."""

    period: str
    days: str
    base: str
    rate: str
    amount: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The whole content, in the order in which it is read. Pairs are a name and a value; every text is French."""

    title: str
    subject: tuple[tuple[str, str], ...]
    delay: tuple[tuple[str, str], ...]
    story: tuple[tuple[str, str, str], ...]
    rows: tuple[Row, ...]
    sums: tuple[tuple[str, str], ...]
    articles: tuple[str, ...]
    caveats: tuple[str, ...]
    made_on: str
    total: Decimal


def statement(subject: Subject, clock: Clock, on: date) -> Statement:
    """The statement as of a day. An invoice that is not late has one too: it says so and claims nothing."""
    found = owed(clock, on)
    currency = clock.terms.currency
    return Statement(
        title="Relevé d'intérêts moratoires et d'indemnité forfaitaire",
        subject=tuple(_subject(subject, clock)),
        delay=tuple(_delay(clock, on)),
        story=tuple((show_date(step.day), f"{step.label} ({step.article})", step.text) for step in clock.steps),
        rows=tuple(
            Row(
                f"du {show_date(line.first)} au {show_date(line.last)}",
                str(line.days),
                show_amount(line.base, currency),
                _percent(line.percent),
                show_amount(line.amount, currency),
            )
            for line in found.lines
        ),
        sums=(
            ("Intérêts moratoires", show_amount(found.interest, currency)),
            ("Indemnité forfaitaire pour frais de recouvrement", show_amount(found.indemnity, currency)),
            ("Total dû au titre du retard", show_amount(found.total, currency)),
        ),
        articles=_ARTICLES,
        caveats=tuple(_caveats(clock, found, on)),
        made_on=show_date(on),
        total=found.total,
    )


def _subject(subject: Subject, clock: Clock) -> Iterator[tuple[str, str]]:
    yield "Facture", f"n° {subject.invoice_number} du {show_date(subject.issue_date)}"
    yield "Créancier", _party(subject.supplier_name, subject.supplier_siret)
    yield "Débiteur", _party(subject.recipient_name, subject.recipient_siret)
    for name, value in (
        ("Service", subject.service_code),
        ("Engagement", subject.engagement),
        ("Marché", subject.contract),
    ):
        if value is not None:
            yield name, value
    yield "Net à payer", show_amount(clock.terms.payable, clock.terms.currency)
    if clock.due != clock.terms.payable:
        yield "Sommes admises ou arrêtées", show_amount(clock.due, clock.terms.currency)


def _party(name: str | None, siret: str) -> str:
    return f"SIRET {siret}" if name is None else f"{name} (SIRET {siret})"


def _delay(clock: Clock, on: date) -> Iterator[tuple[str, str]]:
    if clock.started_on is not None and clock.proof is not None:
        yield "Point de départ du délai", f"{show_date(clock.started_on)} : {_PROOFS[clock.proof]}"
    yield "Durée du délai", f"{clock.days} jours"
    if clock.interrupted_on is not None:
        reopened = "" if clock.completed_on is None else f" ; pièces reçues le {show_date(clock.completed_on)}"
        yield "Interruption", f"{show_date(clock.interrupted_on)}{reopened} (R2192-27, R2192-29)"
    if clock.due_on is not None:
        yield "Fin du délai", show_date(clock.due_on)
    yield "Paiement", "non connu à ce jour" if clock.paid_on is None else show_date(clock.paid_on)
    yield "Jours de retard", str(clock.days_late(on))


def _caveats(clock: Clock, found: Owed, on: date) -> Iterator[str]:
    if found.total == 0:
        yield f"Aucun intérêt n'est dû au {show_date(on)} : le paiement n'est pas en retard, ou aucun délai ne court."
    rate = found.rate
    if rate is not None:
        yield (
            f"Taux : {_percent(rate.ecb)} (BCE, au {show_date(rate.half_year)}) plus {_points(POINTS)} points, "
            "pour toute la durée du retard."
        )
        if rate.provisional:
            yield "Le taux de la BCE de ce semestre n'est pas encore dans notre table : le dernier connu est appliqué."
        if not rate.verified:
            yield "Ce taux n'a pas été rapproché de la publication de la BCE : vérifiez-le avant de réclamer."
    if found.settle_by is not None:
        yield f"Ces sommes sont à payer au plus tard le {show_date(found.settle_by)} (R2192-36)."
    if found.lines and clock.paid_on is None:
        yield "Le principal n'est pas payé à notre connaissance : les intérêts continuent de courir."
    if any(step.ours for step in clock.steps):
        yield "Certaines étapes suivent une règle de la plateforme, là où la loi se tait : on peut les discuter."
    yield from (remark.text for remark in clock.remarks)
    yield "Calcul établi par la plateforme d'après ce qui lui est connu ; il n'a pas valeur de titre exécutoire."


def _percent(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",") + "\u00a0%"


def _points(value: Decimal) -> str:
    return f"{value.normalize():f}".replace(".", ",")


_ARTICLES: Final = (
    "L2192-13 du code de la commande publique : le retard fait courir, de plein droit et sans autre formalité, des "
    "intérêts moratoires et l'indemnité forfaitaire.",
    "R2192-31 : taux de la BCE en vigueur au premier jour du semestre où les intérêts ont commencé à courir, plus huit "
    "points.",
    "D2192-35 : indemnité forfaitaire de 40 € pour frais de recouvrement.",
    "R2192-36 : ces sommes sont payées dans les 45 jours suivant la mise en paiement du principal.",
    "Assiette : montant dû toutes taxes comprises ; jours de retard jusqu'au paiement inclus ; année de 365 jours ; "
    "chaque ligne arrondie au centime le plus proche.",
)
