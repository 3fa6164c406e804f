"""``python -m services.common.tenants_cli``: what a service was asked about tenants, and what it did, as JSON lines.

The database is given by ``CHORALE_DSN``. The outcome of an export says where its file is in the store; that of an
erasure what is gone, and what is kept on which ground.
"""

import argparse
import asyncio
import os
import sys

import asyncpg

from contracts.registry import SERVICES

_REQUESTS = (
    "select json_build_object('id', id, 'tenant', tenant, 'kind', kind, 'asked_by', asked_by, 'asked_at', asked_at,"
    " 'state', state, 'attempts', attempts, 'trouble', trouble, 'done_at', done_at, 'outcome', outcome)::text"
    " from tenant_request where $1::text is null or tenant = $1 order by version"
)


async def _list(dsn: str, service: str, tenant: str | None) -> list[str]:
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": service})
    try:
        return [row[0] for row in await connection.fetch(_REQUESTS, tenant)]
    finally:
        await connection.close()


def main() -> int:
    """Print the requests; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.common.tenants_cli", description=__doc__)
    parser.add_argument("--service", required=True, choices=SERVICES)
    parser.add_argument("--tenant", help="only this tenant's")
    given = parser.parse_args()
    for line in asyncio.run(_list(os.environ["CHORALE_DSN"], given.service, given.tenant)):
        sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
