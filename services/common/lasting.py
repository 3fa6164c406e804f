"""A long answer goes on for as long as the rights it stands on, and is then cut: a part never passes for the whole."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
from fastapi import Request

from services.common.access import Identity
from services.common.principal import Principal

_NEVER: Final = 2**53


class Withdrawn(Exception):
    """The rights of whoever reads have changed, or his session is over: the rest is not given."""


async def lasting(request: Request, principal: Principal, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """``chunks``, asked before each of them whether the rights are what they were. Raises :class:`Withdrawn`.

    That the token ends meanwhile cuts nothing: it was good when the answer was asked for.
    """
    access: Identity = request.app.state.access
    begun = msgspec.structs.replace(principal, expires=_NEVER)
    async for chunk in chunks:
        if await access.still(begun) is not begun:
            raise Withdrawn
        yield chunk
