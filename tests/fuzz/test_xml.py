"""Broken and hostile XML: each document ends in time with a reading or a reason that has a name."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from tests.fuzz.harness_xml import outcome, seeds

SHORT, LONG = 1_000, 10_000
SECONDS_EACH = 2.0
MEMORY_MB = 700


def truncate(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data))]


def flip(data: bytes, rng: Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 30))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def cut(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice((1, 10, 300)) :]


def repeat(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data))
    piece = data[at : at + rng.choice((5, 50, 1_000))]
    return data[:at] + piece * rng.choice((2, 5, 50)) + data[at:]


def nest(data: bytes, rng: Random) -> bytes:
    depth = rng.choice((10, 200, 256, 300, 20_000))
    at = data.rfind(b"<")
    return data[:at] + b"<a>" * depth + b"</a>" * rng.choice((depth, depth, 0)) + data[at:]


def laughs(data: bytes, rng: Random) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, rng.choice((2, 10))))
    doctype = f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>'.encode()
    start = data.find(b"?>") + 2
    return data[:start] + doctype + data[start:].replace(b"F2026-001", b"&l1;")


OUTSIDE = (b'SYSTEM "file:///etc/passwd"', b'PUBLIC "x" "http://127.0.0.1:9/x.dtd"', b"[<!ENTITY % p SYSTEM 'x'> %p;]")


def outside(data: bytes, rng: Random) -> bytes:
    start = data.find(b"?>") + 2
    return data[:start] + b"<!DOCTYPE x " + rng.choice(OUTSIDE) + b">" + data[start:]


def attributes(data: bytes, rng: Random) -> bytes:
    count, size = rng.choice(((1, 100_000), (5_000, 3), (50, 2_000), (2, 1)))
    more = b"".join(b' a%d="%s"' % (n if rng.random() < 0.99 else 0, b"v" * size) for n in range(count))
    at = data.find(b">", rng.randrange(len(data)))
    return data[:at] + more + data[at:]


def encode(data: bytes, rng: Random) -> bytes:
    text = data.decode("latin-1")
    name = rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp1252", "cp037", "utf-8"))
    declared = rng.choice(("UTF-8", "UTF-16", "ISO-8859-1", "UTF-7", "x", "EBCDIC-CP-FR"))
    encoded = text.replace('encoding="UTF-8"', f'encoding="{declared}"').encode(name, "replace")
    return rng.choice((b"", b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) + encoded


WORDS = (
    b"]]>", b"<![CDATA[", b"<!--", b"-->", b"&#x10FFFF;", b"&#0;", b"&lt;", b"\x00", b"<?x", b"xmlns=''", b"1e999",
    b"NaN", b"9" * 400, b"\xe2\x80\xae", b"\xf0\x9f\x92\xa9", b" " * 5_000, b"\r\n", b"<x:y/>",
)  # fmt: skip
VALUES = (
    b"", b"0", b"-1", b"1,5", b"20261301", b"2026-02-30", b"380", b"S5", b"\xc3\xa9", b"1" * 30, b"-0.00", b"EURO",
    b"&amp;",
)  # fmt: skip


def word(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice(WORDS) + data[at + rng.choice((0, 0, 1, 20)) :]


def value(data: bytes, rng: Random) -> bytes:
    """Another value in a place that has one: most of these stay well-formed."""
    at = data.find(b">", rng.randrange(len(data)))
    end = data.find(b"<", at)
    if at < 0 or end < 0:
        return data
    return data[: at + 1] + rng.choice(VALUES) + data[end:]


def swap(data: bytes, rng: Random) -> bytes:
    """Two pieces between tags change places."""
    pieces = data.split(b"><")
    a, b = rng.randrange(len(pieces)), rng.randrange(len(pieces))
    pieces[a], pieces[b] = pieces[b], pieces[a]
    return b"><".join(pieces)


MUTATORS: tuple[Callable[[bytes, Random], bytes], ...] = (
    truncate, flip, cut, repeat, nest, laughs, outside, attributes, encode, word, value, value, value, swap,
)  # fmt: skip


def run(count: int, seed: int) -> Counter[str]:
    """Mutate, read, and count the ends; the first document that takes too long is told."""
    rng = Random(seed)
    originals = list(seeds().values())
    ends: Counter[str] = Counter()
    for number in range(count):
        data = rng.choice(originals)
        names: list[str] = []
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            mutator = rng.choice(MUTATORS)
            names.append(mutator.__name__)
            data = mutator(data, rng) or b"<"
        began = time.process_time()
        ends[outcome(data)] += 1
        assert time.process_time() - began < SECONDS_EACH, (number, names, len(data))
    return ends


def test_a_thousand_mutations_end_by_name() -> None:
    ends = run(SHORT, seed=20_261_123)
    assert ends["read"] > SHORT // 10
    assert {"XML_DOCTYPE", "XML_MALFORMED", "XML_TOO_DEEP", "XML_ENCODING", "XML_UNKNOWN_ROOT"} <= ends.keys()


@pytest.mark.long
def test_ten_thousand_mutations_end_by_name() -> None:
    ends = run(LONG, seed=7)
    assert ends["read"] > LONG // 10
    assert {"XML_DOCTYPE", "XML_MALFORMED", "XML_TOO_DEEP", "XML_ENCODING", "XML_UNKNOWN_ROOT"} <= ends.keys()


FLOODS = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({memory} << 20, {memory} << 20))
from invoice.syntax import SyntaxRefused, parse
size = 29_000_000
def filled(piece, head=b"<r>", tail=b"</r>", most=10**9):
    return head + piece * min(most, (size - len(head) - len(tail)) // len(piece)) + tail
ends = []
for data in (
    filled(b"<a/>", most=599_000),
    filled(b"<a>x</a>\\n", most=599_000),
    filled(b'<a b="c"/>', most=599_000),
    filled(b'<a b="" c="" d="" e="" f="" g="" h="" i=""/>', most=74_000),
    filled(b"x" * 1000 + b"<a/>", most=28_000),
    filled(b"&amp;"), filled(b"&#60;"), filled(b"\\n"), filled(b"="), filled(b"' "), filled(b" x="),
    filled(b"<!---->"), filled(b"<![CDATA[x]]>"), filled(b"<?x?>"), filled(b"<a><b>"), filled(b"\\xc3\\xa9"),
    filled(b'<a x="'), filled(b"<!DOCTYPE"),
    filled(b" ", head=b"<?xml ", tail=b""), filled(b"<!-- ", head=b"", tail=b""), filled(b"a", head=b"<", tail=b"/>"),
    filled(b"<\\x00", head=b"", tail=b""), filled(b"xmlns:a='", head=b"<r ", tail=b"/>"),
):
    try:
        parse(data)
        ends.append("read")
    except SyntaxRefused as why:
        ends.append(why.finding.code)
print(" ".join(ends))
print(parse({good!r})[0].fields[0].value)
"""


def test_the_largest_floods_stay_within_memory_and_time_and_the_parser_goes_on() -> None:
    program = FLOODS.format(memory=MEMORY_MB, good=seeds()["cii"])
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    ends, number = done.stdout.splitlines()
    assert number == "F2026-001"
    assert all(end.startswith("XML_") for end in ends.split())
    assert time.monotonic() - began < 50


def test_hostile_names_do_not_stay_in_the_process() -> None:
    # The library keeps every name that it has seen: documents with many are refused before it sees them.
    program = """
import resource
from invoice.syntax import SyntaxRefused, parse
def once(k):
    try:
        parse(b"<r>" + b"".join(b"<n%d_%d_%s/>" % (k, i, b"z" * 60) for i in range(20_000)) + b"</r>")
    except SyntaxRefused:
        pass
once(0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for k in range(1, 25):
    once(k)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) < 8_000  # kilobytes; the names of all documents together are 40,000
