"""A load client: ``python -m tests.bench.client URL SECRET FIRST COUNT RATE``; prints each request's instant by id."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import msgspec
import urllib3

from services.common.auth import Principal, mint
from tests.documents import SUPPLIER, InvoicePdf

THREADS = 24


def main() -> None:
    """Deposit ``COUNT`` documents; ``RATE`` 0 is as fast as the answers come."""
    url, secret, first, count, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
    documents = [
        InvoicePdf(number=f"B{number:06d}", issue_date=date(2026, 8, 15), service_code="DRH").render()
        for number in range(first, first + count)
    ]
    tokens = [
        mint(
            secret,
            Principal(
                subject=f"bench-{number}",
                structures=(SUPPLIER.siret or "",),
                roles=("FOURNISSEUR",),
                contact=f"s{number}@bench.example",
            ),
        )
        for number in range(first, first + count)
    ]
    pool = urllib3.PoolManager(maxsize=THREADS, timeout=urllib3.Timeout(60), retries=False)
    sent: dict[str, float] = {}
    lock = threading.Lock()
    started = time.time()

    def one(index: int) -> None:
        if rate:
            time.sleep(max(0.0, started + index / rate - time.time()))
        instant = time.time()
        answer = pool.request(
            "POST",
            f"{url}/api/v1/deposits",
            fields={"file": (f"{index}.pdf", documents[index], "application/pdf")},
            headers={"Authorization": f"Bearer {tokens[index]}", "Idempotency-Key": f"bench-{first + index}"},
        )
        if answer.status != 201:
            raise RuntimeError(f"{answer.status} {answer.data[:300]!r}")
        with lock:
            sent[answer.json()["id"]] = instant

    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(one, range(count)):
            pass
    sys.stdout.write(msgspec.json.encode(sent).decode())


if __name__ == "__main__":
    main()
