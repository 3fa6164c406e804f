"""The other services, asked under portal's own name. Their addresses are settings: no caller names one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.common.db import Pool
from services.common.tls import trusted
from services.portal.tokens import ITSELF, Tokens


class Neighbours:
    """Requests to ``/internal/<service>/…``, to which no gateway leads."""

    def __init__(self, pool: Pool, tokens: Tokens, urls: Mapping[str, str]) -> None:
        self._pool = pool
        self._tokens = tokens
        self.urls = {name: url for name, url in urls.items() if name != "portal"}

    async def headers(self) -> dict[str, str]:
        """Who asks."""
        version = await self._pool.fetchval("select version from published_right where subject = $1", ITSELF)
        token = await self._tokens.access(ITSELF, int(version or 0), kind="service")
        return {"Authorization": f"Bearer {token}"}

    async def get(
        self,
        service: str,
        path: str,
        params: Mapping[str, Sequence[str]] | None = None,
        seconds: float = 10.0,
    ) -> Any:
        """The JSON that a service answers. Raises ``httpx.HTTPError``."""
        async with httpx.AsyncClient(timeout=seconds, follow_redirects=False, verify=trusted()) as client:
            answer = await client.get(
                f"{self.urls[service]}/internal/{service}{path}", params=params, headers=await self.headers()
            )
            answer.raise_for_status()
            return answer.json()

    async def post(
        self, service: str, path: str, content: bytes, media_type: str, seconds: float = 15.0
    ) -> httpx.Response:
        """What a service answers to something shown to it. Raises ``httpx.HTTPError`` where nobody answers."""
        headers = {**await self.headers(), "Content-Type": media_type}
        async with httpx.AsyncClient(timeout=seconds, follow_redirects=False, verify=trusted()) as client:
            return await client.post(f"{self.urls[service]}/internal/{service}{path}", content=content, headers=headers)

    async def delete(self, service: str, path: str, content: bytes, seconds: float) -> Any:
        """Have something erased. Raises ``httpx.HTTPError``."""
        async with httpx.AsyncClient(timeout=seconds, follow_redirects=False, verify=trusted()) as client:
            answer = await client.request(
                "DELETE",
                f"{self.urls[service]}/internal/{service}{path}",
                content=content,
                headers=await self.headers(),
            )
            answer.raise_for_status()
            return answer.json()

    @asynccontextmanager
    async def stream(self, service: str, path: str, seconds: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes that a service answers, as they come. Raises ``httpx.HTTPError``."""
        async with (
            httpx.AsyncClient(timeout=seconds, follow_redirects=False, verify=trusted()) as client,
            client.stream(
                "GET", f"{self.urls[service]}/internal/{service}{path}", headers=await self.headers()
            ) as answer,
        ):
            answer.raise_for_status()
            yield answer.aiter_bytes()
