"""Files that people send as the body of a request: PDF, JPEG or PNG, 10 Mo at the most, and what they are."""

from typing import Any, Final

from fastapi import Request

from services.common.web import Problem
from services.portal.member_words import invalid

MAX_BYTES: Final = 10 * 1024 * 1024
SUFFIX: Final = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
#: What is taken, by its first bytes.
_SIGNATURES: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)
_TOO_LARGE: Final = "Fichier trop grand"
_NOT_TAKEN: Final = "Format non accepté"
#: How a route that takes one describes its body.
OPENAPI: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in SUFFIX},
    }
}


def titles(what: str) -> dict[int, tuple[str, str]]:
    """The codes and titles of a route's refusals; ``what``: with which their codes begin."""
    return {413: (f"{what}_TOO_LARGE", _TOO_LARGE), 415: (f"{what}_MEDIA_TYPE", _NOT_TAKEN)}


async def whole(request: Request, what: str) -> bytes:
    """The file, never more than its limit in memory. Raises a 413 or 422 problem."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MAX_BYTES:
            raise Problem(413, f"{what}_TOO_LARGE", _TOO_LARGE, "Envoyez un fichier de 10 Mo au plus.")
    if not found:
        raise invalid("body", None, f"{what}_EMPTY", "Le fichier est vide.", "Envoyez le document lui-même.")
    return bytes(found)


def media_type(content: bytes, what: str) -> str:
    """What the file is by its first bytes, whatever it is called. Raises a 415 problem for what is not taken."""
    found = next((name for start, name in _SIGNATURES if content.startswith(start)), None)
    if found is None:
        raise Problem(415, f"{what}_MEDIA_TYPE", _NOT_TAKEN, "Envoyez un PDF, une photo JPEG ou une image PNG.")
    return found
