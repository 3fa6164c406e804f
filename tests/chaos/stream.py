"""A supplier's software under fault: it repeats what got no answer, with the same Idempotency-Key."""

import asyncio
import random
import time
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import httpx

from deploy.demo.prepare import bearer
from services.common.auth import Principal
from tests.chaos.world import Kind, World
from tests.documents import SUPPLIER, InvoicePdf

DEPOSITOR = Principal(
    subject="chaos-supplier",
    structures=(SUPPLIER.siret or "",),
    roles=("FOURNISSEUR",),
    contact="comptabilite@chaos.example",
)
PATIENCE = 150.0


class NotAccepted(Exception):
    """A deposit got no 201 within the client's patience, or an answer that no client should get."""


def document(world: World, kind: Kind) -> bytes:
    """A PDF of that kind; ``again`` repeats the bytes of an earlier good one."""
    if kind == "again" and world.originals:
        return world.rng.choice(list(world.originals.values()))[1]
    world.next_number += 1
    return InvoicePdf(
        number=f"C{world.next_number:06d}",
        issue_date=date(2026, 8, 15),
        service_code="INCONNU" if kind == "refused" else "DRH",
        wrong_sum=Decimal("10.00") if kind == "wrong_sum" else Decimal(0),
    ).render()


async def deposit(world: World, client: httpx.AsyncClient, kind: Kind) -> UUID:
    """Deposit one document and note its id at the answer 201. Raises :class:`NotAccepted`."""
    if kind == "again" and not world.originals:
        kind = "good"
    content, key = document(world, kind), str(uuid4())
    deadline = time.monotonic() + PATIENCE
    last = ""
    while time.monotonic() < deadline:
        base = world.stack.base_url(world.rng.choice(world.instances("ingest")))
        try:
            answer = await client.post(
                f"{base}/api/v1/deposits",
                files={"file": (f"{key}.pdf", content, "application/pdf")},
                headers={"Idempotency-Key": key},
            )
        except httpx.TransportError as error:
            last = type(error).__name__
        else:
            if answer.status_code == httpx.codes.CREATED:
                identity = UUID(answer.json()["id"])
                world.accepted[identity] = kind
                if kind == "good":
                    world.originals[identity] = (key, content)
                return identity
            last = f"{answer.status_code} {answer.text[:200]}"
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                break
        await asyncio.sleep(random.uniform(0.1, 0.5))
    raise NotAccepted(last)


async def stream(world: World, count: int, rate: float) -> list[UUID]:
    """Deposit ``count`` documents at ``rate`` a second, mostly good ones; returns the ids answered 201."""
    limits = httpx.Limits(max_connections=40)
    async with httpx.AsyncClient(timeout=30, limits=limits, headers=bearer(world.stack, DEPOSITOR)) as client:
        tasks = []
        for _ in range(count):
            kinds: list[Kind] = ["good", "refused", "wrong_sum", "again"]
            kind = world.rng.choices(kinds, [0.76, 0.08, 0.08, 0.08])[0]
            tasks.append(asyncio.create_task(deposit(world, client, kind)))
            await asyncio.sleep(1 / rate)
        return list(await asyncio.gather(*tasks))
