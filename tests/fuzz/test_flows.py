"""Mutated flows: each has a named outcome within bounds, whatever its bytes are; the process that reads them lives."""

import gzip
import io
import time
from random import Random

import pytest

from services.ingest.flow_domain import kind_of
from services.ingest.flow_words import CODES
from services.ingest.unpack import work
from services.ingest.unpack_messages import Item, Job
from tests.unit.ingest.flow_samples import facts, invoice, link, tarred, zipped
from tests.unit.ingest.samples import pdf
from tests.unit.invoice.syntax.write_cpp import cpp

QUICK, LONG = 600, 10_000
_FEW = {"a.xml": invoice("F1"), "b/é.xml": invoice("F2"), "c.pdf": pdf()}
_SEEDS = (
    zipped(_FEW),
    zipped(_FEW, 0),
    tarred(_FEW, [link("l", "/etc/passwd")]),
    gzip.decompress(tarred(_FEW)),  # mutated bare, then compressed: the checksum does not hide the archive
    cpp(facts("C1"), facts("C2")),
    invoice("F3"),
)


class Heard:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def tell(self, message: object) -> None:
        assert isinstance(message, Item)
        self.items.append(message)


def mutated(seed: bytes, random: Random) -> bytes:
    """A few changes: bits, cuts, repeats, numbers at their limits."""
    content = bytearray(seed)
    for _ in range(random.randint(1, 8)):
        at = random.randrange(len(content))
        match random.randrange(6):
            case 0:
                content[at] ^= 1 << random.randrange(8)
            case 1:
                del content[at : at + random.randint(1, 64)]
            case 2:
                content[at:at] = content[at : at + random.randint(1, 512)]
            case 3:
                content[at : at + 4] = random.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"))
            case 4:
                content[at : at + 1] = random.choice(
                    (b"/", b"\\", b"..", b"\0", b"PK\x03\x04", b"%PDF-", b"<!DOCTYPE a>")
                )
            case _:
                content = content[: max(8, at)]
        if not content:
            return b"PK\x03\x04"
    return bytes(content)


def check(number: int) -> None:
    """One mutated flow."""
    random = Random(number)
    place = number % len(_SEEDS)
    content = mutated(_SEEDS[place], random)
    content = gzip.compress(content, 1) if place == 3 else content
    kind = kind_of(content[:1024])
    if kind is None:
        return  # refused at the door, by its first bytes
    job = Job(
        kind=kind,
        name="flux",
        size=len(content),
        check=bool(random.randrange(2)),
        entries=1000,
        ratio=100,
        item_bytes=1_000_000,
        unpacked_bytes=10_000_000,
    )
    heard, begun = Heard(), time.process_time()
    done = work(job, io.BytesIO(content), heard)  # type: ignore[arg-type]
    assert done.code is None or done.code in CODES, number
    for item in heard.items:
        assert item.code is None or item.code in CODES, number
        assert item.ignored or item.code or item.media_type, number
    assert time.process_time() - begun < 20, number


def test_mutated_flows_have_named_outcomes() -> None:
    for number in range(QUICK):
        check(number)


@pytest.mark.long
def test_ten_thousand_mutated_flows_have_named_outcomes() -> None:
    for number in range(QUICK, QUICK + LONG):
        check(number)
