"""The demo on a platform that serves others already: nothing of it comes into their directory."""

import httpx
import msgspec
import pytest

from deploy.demo.__main__ import ask
from deploy.demo.prepare import OPERATOR, bearer, whole
from deploy.local import Stack
from deploy.servers.errors import StackError


def test_the_demo_stops_where_another_body_is_served_and_goes_on_beside_its_own() -> None:
    with Stack(services=("routing",), synced=False) as stack, httpx.Client(timeout=30) as client:

        def bring(content: bytes) -> None:
            client.post(
                f"{stack.base_url('routing')}/api/v1/directory/import",
                content=content,
                headers=bearer(stack, OPERATOR),
            ).raise_for_status()

        ask(stack)
        bring(msgspec.json.encode(whole()))
        ask(stack)
        bring(b'{"tenants": [{"id": "somme", "name": "D\xc3\xa9partement de la Somme"}]}')
        with pytest.raises(StackError, match="portent déjà l'annuaire de somme"):
            ask(stack)
