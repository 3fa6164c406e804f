"""What a list, an export and an archive may be asked for: the parameters of the query, and cursors."""

import base64
import binascii
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime

from invoice.lifecycle import STATUSES
from services.common.web import Problem
from services.status.search import MAX_WORDS, After, Search, Side, Sort, is_actor

_PLAIN = r"^[^\x00]*$"
#: Beyond these no day can be reckoned with any more.
_DAYS = 36_500


def _in_utc(instant: datetime) -> datetime:
    """An offset can push the first or the last day of the calendar out of it."""
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("Cet instant est hors du calendrier.") from error


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Text = Annotated[str | None, Query(max_length=100, pattern=_PLAIN)]
Amount = Annotated[Decimal | None, Query(ge=-(10**12), le=10**12, allow_inf_nan=False)]
Days = Annotated[int | None, Query(ge=0, le=_DAYS)]


async def wanted(
    status: Annotated[list[str] | None, Query(description="Code du statut, par exemple MISE_A_DISPOSITION")] = None,
    number: Annotated[
        str | None, Query(description="Numéro exact de la facture", max_length=100, pattern=_PLAIN)
    ] = None,
    since: Annotated[Instant | None, Query(description="Déposées depuis cet instant")] = None,
    until: Annotated[Instant | None, Query(description="Déposées avant cet instant")] = None,
    supplier: Annotated[Text, Query(description="SIRET du fournisseur")] = None,
    structure: Annotated[Text, Query(description="SIRET de la structure destinataire")] = None,
    service: Annotated[Text, Query(description="Code du service destinataire, ou « SIRET/code »")] = None,
    engagement: Annotated[Text, Query(description="Numéro d'engagement")] = None,
    market: Annotated[Text, Query(description="Numéro de marché")] = None,
    amount_from: Annotated[Amount, Query(description="Net à payer, au moins")] = None,
    amount_to: Annotated[Amount, Query(description="Net à payer, au plus")] = None,
    issued_from: Annotated[date | None, Query(description="Date de facture, au plus tôt")] = None,
    issued_to: Annotated[date | None, Query(description="Date de facture, au plus tard")] = None,
    turn: Annotated[str | None, Query(description="À qui d'agir : F, D, C, S, V1, V2, MOE, MOA")] = None,
    unchanged_days: Annotated[Days, Query(description="Même statut depuis tant de jours au moins")] = None,
    unchanged_under: Annotated[Days, Query(description="Même statut depuis moins de tant de jours")] = None,
    late: Annotated[bool, Query(description="Échéance de paiement dépassée")] = False,
    due_within: Annotated[Days, Query(description="À payer d'ici tant de jours, ou en retard")] = None,
    due_from: Annotated[date | None, Query(description="Échéance de paiement, au plus tôt")] = None,
    due_to: Annotated[date | None, Query(description="Échéance de paiement, au plus tard")] = None,
    q: Annotated[
        str | None,
        Query(
            description="Mots : début d'un numéro, nom d'un service ou d'une structure", max_length=200, pattern=_PLAIN
        ),
    ] = None,
    side: Annotated[
        Side | None,
        Query(
            description="issued : émises par mes structures ; received : reçues par mon organisme ou mon service ; "
            "to_validate : à valider ; works : de travaux. Sans lui : toutes celles que je peux voir"
        ),
    ] = None,
    file: Annotated[UUID | None, Query(description="Dossier de travaux : l'identifiant de sa première pièce")] = None,
    sort: Annotated[
        Sort, Query(description="recent : dépôt le plus récent d'abord ; due : échéance d'abord")
    ] = "recent",
    cursor: Annotated[str | None, Query(description="La valeur « next » de la page précédente")] = None,
) -> Search:
    """The conditions of a request. Raises a problem for a value that means nothing.

    Not a plain function, for which FastAPI would change threads at every request.
    """
    for code in status or ():
        if code not in STATUSES:
            raise _unknown("STATUS_UNKNOWN", "status", code, "n'est pas un statut de facture")
    if turn is not None and not is_actor(turn):
        raise _unknown("ACTOR_UNKNOWN", "turn", turn, "n'est pas un acteur")
    return Search(
        number=number,
        supplier=supplier,
        structure=structure,
        service=service,
        engagement=engagement,
        market=market,
        amount_from=amount_from,
        amount_to=amount_to,
        since=since,
        until=until,
        issued_from=issued_from,
        issued_to=issued_to,
        status=tuple(dict.fromkeys(status or ())),
        turn=turn,
        unchanged_days=unchanged_days,
        unchanged_under=unchanged_under,
        late=late,
        due_within=due_within,
        due_from=due_from,
        due_to=due_to,
        words=_words(q),
        side=side,
        file=file,
        sort=sort,
        after=None if cursor is None else read_cursor(cursor, sort),
    )


def _words(text: str | None) -> tuple[str, ...]:
    """The words looked for. Raises a problem when there are too many, or one too short to mean something."""
    found = tuple(dict.fromkeys((text or "").split()))
    wrong = next((word for word in found if len(word) < 2), None)
    if wrong is None and len(found) <= MAX_WORDS:
        return found
    raise Problem(
        422,
        "WORDS_UNFIT",
        "Recherche à préciser",
        f"Donnez {MAX_WORDS} mots au plus, de deux caractères au moins chacun.",
        errors=[{"field": "q", "value": (wrong or text or "")[:40], "rule": f"1 à {MAX_WORDS} mots de 2 caractères"}],
    )


def write_cursor(sort: Sort, place: datetime | date, invoice: UUID) -> str:
    """The place after an invoice in a list. Opaque to clients; new invoices do not move it."""
    return base64.urlsafe_b64encode(f"{sort} {place.isoformat()} {invoice}".encode()).decode().rstrip("=")


def read_cursor(cursor: str, sort: Sort) -> After:
    """The reverse of :func:`write_cursor`. Raises a problem for anything else, and for a list in another order."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        order, place, invoice = text.split(" ")
        if order != sort:
            raise ValueError("order")
        if sort == "due":
            return After(date.fromisoformat(place), UUID(invoice))
        instant = datetime.fromisoformat(place)
        if instant.tzinfo is None:
            raise ValueError("naive")
        return After(_in_utc(instant), UUID(invoice))
    except (ValueError, binascii.Error) as error:
        raise Problem(
            400,
            "CURSOR_INVALID",
            "Curseur illisible",
            "Reprenez la valeur « next » de la page précédente, sans la modifier, et avec le même « sort ».",
            errors=[{"field": "cursor", "value": cursor[:40], "rule": "next"}],
        ) from error


def _unknown(code: str, field: str, value: str, says: str) -> Problem:
    return Problem(
        422,
        code,
        "Valeur inconnue",
        f"« {value[:40]} » {says}.",
        errors=[{"field": field, "value": value[:40], "rule": "code connu", "action": "Voir /docs/status."}],
    )
