"""A flow of a hundred thousand invoices while single deposits go on; and a gigabyte sent in one request.

``CHORALE_BENCH_FLOW_INVOICES`` and ``CHORALE_BENCH_FLOW_BYTES`` shrink it.
"""

import asyncio
import io
import os
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import IO, Any, BinaryIO, cast

import httpx
from pydantic import SecretStr

from contracts.registry import SERVICES
from deploy.demo.prepare import bearer, prepare
from deploy.local import Stack
from services.common.auth import Principal
from services.common.blobs import Blobs
from services.common.consumer import tail
from services.common.settings import BlobSettings
from tests.bench.report import Figure
from tests.documents import RECIPIENT, SUPPLIER
from tests.unit.ingest.flow_samples import invoice

INVOICES = int(os.environ.get("CHORALE_BENCH_FLOW_INVOICES", "100000"))
BYTES = int(os.environ.get("CHORALE_BENCH_FLOW_BYTES", "1000000000"))
_BLOCK = 1_048_576
_ENDS = ("IN_INTEGRE", "IN_INTEGRE_PARTIEL", "IN_REJETE")


def who(subject: str) -> Principal:
    """A depositor for the invented supplier."""
    return Principal(
        subject=subject,
        structures=(SUPPLIER.siret or "",),
        roles=("FOURNISSEUR",),
        contact=f"{subject}@bench.example",
    )


def document(number: str) -> bytes:
    """UBL and CII in turn, for a body of the demo directory."""
    return invoice(
        number,
        supplier_siret=SUPPLIER.siret or "",
        supplier_siren=(SUPPLIER.siret or "")[:9],
        recipient_siret=RECIPIENT.siret or "",
        service="DRH",
    )


def write_archive(target: IO[bytes], count: int) -> int:
    """The flow; returns its size."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(count):
            archive.writestr(f"{number // 1000:03d}/{number:06d}.xml", document(f"FL{number:06d}"))
    return target.tell()


async def chunks(source: IO[bytes]) -> AsyncIterator[bytes]:
    """A file as a request's body."""
    while chunk := await asyncio.to_thread(source.read, _BLOCK):
        yield chunk


class Singles:
    """Single deposits, two a second, each watched until it is decided."""

    def __init__(self, stack: Stack) -> None:
        self._url = f"{stack.base_url('ingest')}/api/v1/deposits"
        self._headers = bearer(stack, who("bench-single"))
        self.milliseconds: list[float] = []

    async def run(self) -> None:
        """Until cancelled."""
        number = 0
        async with httpx.AsyncClient(headers=self._headers, timeout=60) as client, asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._one(client, number))
                number += 1
                await asyncio.sleep(0.5)

    async def _one(self, client: httpx.AsyncClient, number: int) -> None:
        content, begun = document(f"SG{number:06d}"), time.perf_counter()
        answer = await client.post(self._url, files={"file": ("f.xml", content, "application/xml")})
        answer.raise_for_status()
        while True:
            if (await client.get(f"{self._url}/{answer.json()['id']}")).json()["state"] != "received":
                break
            await asyncio.sleep(0.1)
        self.milliseconds.append(1000 * (time.perf_counter() - begun))


async def routed(kafka: str, count: int, ready: asyncio.Event) -> None:
    """Return when so many invoices are routed."""
    seen: set[bytes] = set()
    stream = tail(kafka, ["chorale.routing.v1"], on_ready=ready.set)
    async for record in stream:
        seen.add(record.key or b"")
        if len(seen) >= count:
            break
    await stream.aclose()


async def flow(stack: Stack) -> dict[str, Any]:
    """One flow, from its first byte until its last invoice is routed."""
    singles, ready = Singles(stack), asyncio.Event()
    curve: list[float] = []
    with tempfile.TemporaryFile() as archive:
        size = write_archive(archive, INVOICES)
        archive.seek(0)
        through = asyncio.create_task(routed(stack.kafka.bootstrap, INVOICES, ready))
        await asyncio.wait_for(ready.wait(), 30)
        watching = asyncio.create_task(singles.run())
        headers = bearer(stack, who("bench-flow"))
        async with httpx.AsyncClient(base_url=stack.base_url("ingest"), headers=headers, timeout=600) as client:
            begun = time.perf_counter()
            answer = await client.post("/api/v1/flows", params={"name": "bench.zip"}, content=chunks(archive))
            answer.raise_for_status()
            address = answer.headers["Location"]
            while (view := (await client.get(address)).json())["state"] not in _ENDS:
                curve.append(stack.rss("ingest") / 2**20)
                await asyncio.sleep(1)
            finished = time.perf_counter() - begun
        if view["counts"] != {"integrated": INVOICES}:
            raise RuntimeError(f"{view['state']}: {view['counts']} {view['messages']}")
        async with asyncio.timeout(600):
            await through
        whole = time.perf_counter() - begun
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    print(f"  flow: {INVOICES} invoices, {size / 1e6:.0f} MB, decided in {finished:.0f} s, routed in {whole:.0f} s")
    print("  ingest MB: " + ", ".join(f"{one:.0f}" for one in curve[:: max(1, len(curve) // 12)]))
    waits = sorted(singles.milliseconds)
    return {"decided": INVOICES / finished, "routed": INVOICES / whole, "curve": curve, "waits": waits}


class Noise(io.RawIOBase):
    """Bytes that begin like an archive and cannot be compressed."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._block = b"PK\x03\x04" + os.urandom(_BLOCK - 4)

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def read(self, size: int = -1) -> bytes:
        count = min(self._left, _BLOCK if size < 0 else size)
        self._left -= count
        return (self._block * (count // _BLOCK + 1))[:count]


def _settings(stack: Stack) -> BlobSettings:
    return BlobSettings(
        environment="development",
        kafka=stack.kafka.bootstrap,
        dsn=SecretStr("x"),
        api_dsn=SecretStr("x"),
        port=1,
        token_secret=SecretStr(stack.token_secret),
        s3_endpoint=stack.s3.endpoint,
        s3_access_key=stack.s3.access_key,
        s3_secret_key=SecretStr(stack.s3.secret_key),
        s3_bucket="bench-flows",
    )


async def upload(stack: Stack) -> tuple[float, float, float]:
    """Bytes a second in one request and straight into the store, and the most that ingest weighed meanwhile, in MB."""
    blobs = Blobs(_settings(stack))
    await blobs.open()
    begun = time.perf_counter()
    await blobs.put("straight", cast(BinaryIO, Noise(BYTES)), size=BYTES, sha256="", media_type="x/y")
    straight = BYTES / (time.perf_counter() - begun)
    await blobs.delete("straight")
    await blobs.close()
    heaviest = 0.0

    async def weigh() -> None:
        nonlocal heaviest
        while True:
            heaviest = max(heaviest, stack.rss("ingest") / 2**20)
            await asyncio.sleep(0.2)

    weighing = asyncio.create_task(weigh())
    headers = bearer(stack, who("bench-upload"))
    async with httpx.AsyncClient(base_url=stack.base_url("ingest"), headers=headers, timeout=900) as client:
        begun = time.perf_counter()
        answer = await client.post(
            "/api/v1/flows", params={"name": "noise.zip"}, content=chunks(cast(IO[bytes], Noise(BYTES)))
        )
        answer.raise_for_status()
        taken = BYTES / (time.perf_counter() - begun)
        while True:  # noise is no archive: that is found out before anything else is measured
            if (await client.get(answer.headers["Location"])).json()["state"] in _ENDS:
                break
            await asyncio.sleep(0.5)
    weighing.cancel()
    return taken, straight, heaviest


def measure() -> Sequence[Figure]:
    """Both, on one stack."""
    with Stack(services=SERVICES, settings={"CHORALE_LOG_LEVEL": "WARNING"}) as stack:
        prepare(stack)
        taken, straight, heaviest = asyncio.run(upload(stack))
        found = asyncio.run(flow(stack))
    return list(_figures(found, taken, straight, heaviest))


def _figures(found: dict[str, Any], taken: float, straight: float, heaviest: float) -> Iterator[Figure]:
    curve, waits = found["curve"], found["waits"]
    tenth = max(2, len(curve) // 10)  # the reader is started with the first invoices
    yield Figure(
        bench="flows",
        figure=f"{INVOICES} UBL and CII in one flow, first byte to last invoice routed",
        value=found["routed"],
        unit="invoices/s",
        at_least=300,
        baseline={"decided": found["decided"]},
    )
    yield Figure(
        bench="flows",
        figure="p99 of single deposits meanwhile, request to decision",
        value=waits[int(len(waits) * 0.99)] if waits else 0.0,
        unit="ms",
        at_most=2000,
        baseline={"p50": waits[len(waits) // 2] if waits else 0.0, "deposits": len(waits)},
    )
    yield Figure(
        bench="flows",
        figure="ingest with its reader: most memory, above the most in the first tenth of the flow",
        value=max(curve[tenth:], default=0.0) - max(curve[:tenth], default=0.0),
        unit="MB",
        at_most=60,
        baseline={"most": max(curve, default=0.0)},
        runs=curve[:: max(1, len(curve) // 20)],
    )
    yield Figure(
        bench="flows",
        figure=f"{BYTES / 1e6:.0f} MB in one request, to the rate of the same straight into the store",
        value=taken / straight,
        unit="×",
        at_least=0.5,
        baseline={"MB/s": taken / 1e6, "straight MB/s": straight / 1e6},
    )
    yield Figure(bench="flows", figure="ingest's memory during that", value=heaviest, unit="MB", at_most=200)
