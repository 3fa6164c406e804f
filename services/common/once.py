"""The header ``Idempotency-Key``: what is asked for under one key is done once, however often it is sent."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID, uuid5

from fastapi import Header

from services.common.web import Problem

_NAME: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[!-~]{1,200}")
_ADVISED: Final = "Conseillé : la même demande sous la même clé est faite une fois, et a la même réponse."
_SECRET: Final = (
    "Conseillé : pendant une heure, la même clé et la même demande font une seule chose. Le secret de la dernière"
    " réponse est celui qui vaut."
)
_OWN: Final = "Donnez à chaque demande une clé à elle."
#: For so long the same request for a secret is the same one.
_SAME: Final = timedelta(hours=1)


def header(description: str = _ADVISED, **form: Any) -> Any:
    """The header as a route declares it; ``form``: what FastAPI refuses by itself."""
    example = "7f9c24e5-2f60-4b0e-9d64-1c6c1f7e9a10"
    return Header(alias=_NAME, description=description, examples=[example], **form)


#: Of a route that says itself what is wrong with a key.
IdempotencyKey = Annotated[str | None, header()]
#: What FastAPI refuses by itself.
_FORM: Final[dict[str, Any]] = {"min_length": 1, "max_length": 200, "pattern": r"^[!-~]+$"}
#: Of a route that leaves that to FastAPI.
PlainKey = Annotated[str | None, header(**_FORM)]
#: The same of a route that answers with a secret, which is shown that once.
SecretKey = Annotated[str | None, header(_SECRET, **_FORM)]


def checked(key: str | None) -> str | None:
    """The key, if it can be kept. Raises a 422 problem."""
    if key is None or _KEY.fullmatch(key):
        return key
    said = "L'en-tête Idempotency-Key doit compter de 1 à 200 caractères imprimables, sans espace ni accent."
    entry = {"field": _NAME, "value": key[:40], "rule": "1 à 200 caractères", "message": said, "action": _OWN}
    raise Problem(422, "IDEMPOTENCY_KEY_INVALID", "Idempotency-Key refusée", said, errors=[entry])


def reused(key: str) -> Problem:
    """Another request had this key."""
    said = "Cette clé a déjà servi à une autre demande."
    entry = {"field": _NAME, "value": key[:40], "rule": "une clé par demande", "message": said, "action": _OWN}
    return Problem(
        409,
        "IDEMPOTENCY_KEY_REUSED",
        "Idempotency-Key déjà employée",
        "Vous avez déjà employé cette clé pour une autre demande : rien n'a été fait.",
        errors=[entry],
    )


def named(namespace: UUID, key: str | None, *asked: object) -> UUID | None:
    """The id of what is asked for under this key; None without one."""
    return None if key is None else uuid5(namespace, "\n".join((key, *map(str, asked))))


def again(made_at: datetime, now: datetime) -> bool:
    """Whether the request that made something then may be sent once more."""
    return made_at > now - _SAME
