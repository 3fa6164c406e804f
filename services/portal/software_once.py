"""What is made once however often it is asked for: an account of software, and a secret of it.

The same person, key and request name the same row. Of a secret only the digest is kept: whoever asks again gets a new
one in the place of the first, whose answer did not come to him, as long as nobody has used that one. The last answer
counts.
"""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID, uuid5

from fastapi import Header

_NAMESPACE: Final = UUID("3d6c1b52-9f0e-5d0c-8a3b-7e2f4c9d1a60")
#: For so long the same request for a secret is the same one.
SAME: Final = timedelta(hours=1)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Conseillé : la même clé et la même demande font une seule chose. Le secret de la dernière réponse"
        " est celui qui vaut.",
    ),
]


def named(key: str | None, *asked: object) -> UUID | None:
    """The id of what is asked for under this key; None without one."""
    return None if key is None else uuid5(_NAMESPACE, "\n".join((key, *map(str, asked))))
