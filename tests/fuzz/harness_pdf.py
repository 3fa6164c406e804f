"""Coverage-guided fuzzing of each PDF parser: ``python -m tests.fuzz.harness_pdf TARGET [--seconds N]``.

With atheris (``pip install atheris``, Linux) inputs that reach new branches of our own code are kept and mutated
further; pdfium itself is native and not measured. Without it, the same targets run on the seeded mutations. A target
fails by raising anything but the refusal it is allowed, or by ending the process; the input is then written to
``.local/fuzz/``. An input called ``oom-…`` took 2 GB: a worker's limit ends that (READER_MEMORY), nothing here does.
"""

import argparse
import contextlib
import importlib
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

from services.ocr import container, reader, render, signature
from services.ocr.document import Unreadable
from services.ocr.text import read_pages
from services.ocr.whole import read_document
from tests.fuzz.pdf_attacks import ATTACKS
from tests.fuzz.pdf_mutations import mutate, mutated, originals

KEPT: Final = Path(".local/fuzz")
SECONDS: Final = 5
MEGABYTES: Final = 1024


def text(data: bytes) -> None:
    """The text layer."""
    with contextlib.suppress(Unreadable):
        read_pages(data)


def fields(data: bytes) -> None:
    """The page's fields."""
    reader.read(data)


def contents(data: bytes) -> None:
    """Pages, sizes and carried files."""
    with contextlib.suppress(Unreadable):
        container.look(data)
        container.image_pages(data)


def signed(data: bytes) -> None:
    """Signatures."""
    with contextlib.suppress(Unreadable):
        signature.signatures(data, container.look(data).signed)


def drawn(data: bytes) -> None:
    """The first page as a picture."""
    render.draw(data, 1)


def whole(data: bytes) -> None:
    """Everything that a worker does with a document."""
    read_document(data)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "text": text, "fields": fields, "contents": contents, "signed": signed, "drawn": drawn, "whole": whole,
}  # fmt: skip


def _custom(data: bytes, max_size: int, seed: int) -> bytes:
    """Our own mutations in the fuzzer's hands: plain byte flips seldom get past a PDF's structure."""
    rng = Random(seed)
    if len(data) < 16 or rng.random() < 0.02:
        data = rng.choice(ATTACKS)(rng) if rng.random() < 0.5 else rng.choice(originals())
    return mutate(data, rng)[:max_size]


def guided(name: str, seconds: int) -> None:
    """Fuzz with atheris; ends the process itself."""
    atheris: Any = importlib.import_module("atheris")
    corpus = KEPT / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(originals()):
        (corpus / f"original-{number}.pdf").write_bytes(data)
    atheris.instrument_all()
    arguments = [sys.argv[0], str(corpus), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048"]
    arguments += ["-max_len=60000", f"-artifact_prefix={corpus}/crash-", "-print_final_stats=1"]
    atheris.Setup(arguments, TARGETS[name], custom_mutator=_custom)
    atheris.Fuzz()


def unguided(name: str, seconds: int) -> Counter[str]:
    """The seeded mutations for so long; how they ended. An input that fails is kept."""
    ends: Counter[str] = Counter()
    until, seed = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        data = mutated(seed)
        end = alone(TARGETS[name], data)
        ends[end] += 1
        if end == "failed":
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{name}-{seed}.pdf").write_bytes(data)
        seed += 1
    return ends


def alone(target: Callable[[bytes], None], data: bytes) -> str:
    """Run a target in a process of its own under a worker's limits: ``done``, ``failed``, ``limit`` or ``crashed``."""
    pid = os.fork()
    if pid:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        limits = (2, -signal.SIGXCPU, -signal.SIGABRT)  # pdfium aborts when it is refused memory
        return {0: "done", 1: "failed"}.get(code, "limit" if code in limits else "crashed")
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        target(data)
        code = 0
    except MemoryError:
        code = 2
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--unguided", action="store_true", help="without atheris, even where it is there")
    arguments = parser.parse_args()
    if not arguments.unguided:
        with contextlib.suppress(ModuleNotFoundError):
            guided(arguments.target, arguments.seconds)
        print("atheris is not here: the seeded mutations run instead")
    ends = unguided(arguments.target, arguments.seconds)
    print(f"{ends.total()} inputs: {', '.join(f'{count} {end}' for end, count in ends.most_common())}")
    return 1 if ends["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
