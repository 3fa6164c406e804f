"""Gives a fresh platform what it needs before the first deposit: the directory and the managers' addresses."""

import time
from pathlib import Path

import httpx
import msgspec

from deploy.local import Stack
from deploy.servers.errors import StackError
from invoice.directory_file import DirectoryFile, merge, parse
from services.common.auth import Principal, mint

HERE = Path(__file__).parent
REASON = "Mise en route et surveillance"
OPERATOR = Principal(subject="demo-operator", roles=("OPERATEUR",))


def bearer(stack: Stack, principal: Principal) -> dict[str, str]:
    """The headers that authenticate ``principal`` on this stack; an operator's say why he looks."""
    token = mint(stack.token_secret, principal, ttl_seconds=24 * 3600)
    why = {"X-Chorale-Reason": REASON} if "OPERATEUR" in principal.roles else {}
    return {"Authorization": f"Bearer {token}", **why}


def whole() -> DirectoryFile:
    """The directory of the demo."""
    return merge(parse(path.read_bytes()) for path in sorted((HERE / "directory").glob("*.json")))


def prepare(stack: Stack, limit: float = 60.0) -> str:
    """Load the demo directory and addresses, wait until ingest decides with them; returns a line that says what is in.

    Raises :class:`StackError` after ``limit`` seconds.
    """
    directory = whole()
    headers = bearer(stack, OPERATOR)
    with httpx.Client(headers=headers, timeout=30) as client:
        answer = client.post(
            f"{stack.base_url('routing')}/api/v1/directory/import", content=msgspec.json.encode(directory)
        )
        answer.raise_for_status()
        managers = (HERE / "managers.json").read_bytes()
        client.put(
            f"{stack.base_url('notify')}/api/v1/messages/managers",
            content=managers,
            headers={"Content-Type": "application/json"},
        ).raise_for_status()
        _wait_for_ingest(client, stack, limit)
    report = answer.json()
    return (
        f"{len(directory.structures)} structures et {len(directory.services)} services "
        f"de {len(directory.tenants)} départements (annuaire version {report['version']})"
    )


def _wait_for_ingest(client: httpx.Client, stack: Stack, limit: float) -> None:
    deadline = time.monotonic() + limit
    reason = ""
    for name in [name for name in stack.services if name.partition("#")[0] == "ingest"]:
        while True:
            answer = client.get(f"{stack.base_url(name)}/health/ready")
            if answer.status_code == httpx.codes.OK:
                break
            reason = ", ".join(answer.json()["problems"])
            if time.monotonic() > deadline:
                raise StackError(f"{name} n'est pas prêt après {limit:.0f} s : {reason}.")
            time.sleep(0.1)
