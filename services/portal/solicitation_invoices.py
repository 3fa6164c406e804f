"""The invoice that a sollicitation is about, as the one who asks sees it: status is asked with his own token.

So the walls are drawn once, where the invoices are: who may not see one cannot ask about it, and learns nothing of it.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import httpx
from fastapi import Request

from services.common import telemetry
from services.common.looks import HEADER
from services.common.tls import trusted
from services.common.trace import child
from services.common.web import Problem

_SECONDS: Final = 5.0
#: What is handed on of the request: who asks, and an operator's reason.
_HANDED_ON: Final = ("authorization", HEADER.lower())


async def read(urls: Mapping[str, str], request: Request, invoice: UUID) -> Mapping[str, Any]:
    """The invoice. Raises a 404 problem where the caller sees none of that id, and a 503 one where nobody answers."""
    headers = {name: request.headers[name] for name in _HANDED_ON if name in request.headers}
    headers["traceparent"] = child(getattr(request.state, "traceparent", None))
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False, verify=trusted()) as client:
            answer = await client.get(f"{urls['status']}/api/v1/invoices/{invoice}", headers=headers)
    except (httpx.HTTPError, KeyError) as error:
        telemetry.logger().warning("solicitation.status_away", error=type(error).__name__)
        raise _away() from error
    if answer.is_success:
        found: Mapping[str, Any] = answer.json()
        return found
    if answer.status_code >= 500:
        raise _away()
    if answer.status_code == 403:
        raise _of(answer)
    raise Problem(
        404, "INVOICE_NOT_FOUND", "Facture introuvable", "Aucune facture visible avec vos droits n'a cet identifiant."
    )


def _of(answer: httpx.Response) -> Problem:
    """What status refuses (a scope, a reason that is missing) in its own words."""
    try:
        said = answer.json()
        return Problem(403, str(said["code"]), str(said["title"]), str(said["detail"]))
    except (ValueError, KeyError, TypeError):
        return Problem(403, "RIGHT_MISSING", "Droit manquant", "Vous ne pouvez pas lire cette facture.")


def _away() -> Problem:
    return Problem(
        503,
        "TEMPORARILY_UNAVAILABLE",
        "Service momentanément indisponible",
        "La facture ne peut pas être lue pour le moment : renvoyez la même demande dans quelques secondes, avec la même"
        " Idempotency-Key.",
        headers={"Retry-After": "5"},
    )
