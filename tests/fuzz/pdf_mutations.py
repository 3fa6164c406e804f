"""Mutated PDFs, seeded: real-looking invoices, scans and attacks, then cut, flipped, swapped and overwritten."""

import functools
from random import Random
from typing import Final

from tests.corpus.variety import layouts, make
from tests.documents import LAYOUTS, sample, scanned, two_pages
from tests.fuzz.pdf_attacks import ATTACKS
from tests.hostile import laughs

_NUMBERS: Final = (b"0", b"-1", b"99999999", b"4294967296", b"1e9", b"2147483647")
_WORDS: Final = (
    b"/Kids",
    b"/Length",
    b"<<<<",
    b"]]]]",
    b" 0 R ",
    b" obj ",
    b"stream\n",
    b"endobj",
    b"\xff\xfe\x00\x00",
)


@functools.cache
def originals() -> tuple[bytes, ...]:
    """Small documents to start from: in plain and in compressed pages, in built-in and in embedded fonts."""
    plain = [sample(seed, layout=layout).render() for seed, layout in enumerate(LAYOUTS)]
    made = [make(layout, 1).pdf for layout in (*layouts("train")[::30], *layouts("test")[::40])]
    return (*plain, *made, scanned(), two_pages(), laughs(depth=4))


def mutated(seed: int) -> bytes:
    """The document of a seed: an attack, a mutated attack, or a mutated invoice."""
    rng = Random(f"pdf/{seed}")
    if rng.random() < 0.35:
        attack = rng.choice(ATTACKS)(rng)
        return attack if rng.random() < 0.7 or len(attack) > 200_000 else mutate(attack, rng)
    return mutate(rng.choice(originals()), rng)


def mutate(data: bytes, rng: Random) -> bytes:
    """Cut, flip, repeat, swap or overwrite pieces; numbers and names are worth aiming at."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        if len(out) < 16:
            break
        _mutate_once(out, rng)
    return bytes(out)


def _mutate_once(out: bytearray, rng: Random) -> None:
    at = rng.randrange(len(out))
    match rng.randrange(9):
        case 0:
            out[at] = rng.randrange(256)
        case 1:
            out[at] ^= 1 << rng.randrange(8)
        case 2:
            del out[at : at + rng.choice((1, 10, 1_000))]
        case 3:
            out[at:at] = out[at : at + rng.choice((1, 20, 2_000))]
        case 4:
            out[at:at] = rng.randbytes(rng.choice((1, 50)))
        case 5:
            _replace_number(out, at, rng)
        case 6:
            word = rng.choice(_WORDS)
            out[at : at + len(word)] = word
        case 7:
            other = rng.randrange(len(out))
            size = rng.choice((4, 40, 400))
            out[at : at + size], out[other : other + size] = out[other : other + size], out[at : at + size]
        case _:
            if rng.random() < 0.2:
                del out[at:]


def _replace_number(out: bytearray, at: int, rng: Random) -> None:
    start = next((i for i in range(at, min(at + 200, len(out))) if 48 <= out[i] < 58), None)
    if start is None:
        return
    end = start
    while end < len(out) and 48 <= out[end] < 58:
        end += 1
    out[start:end] = rng.choice(_NUMBERS)
