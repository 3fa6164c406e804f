"""What the commands on files and folders share: they need no server, and answer whatever a file is called or holds."""

import argparse
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

BAD_CALL: Final = 2
INTERRUPTED: Final = 130
SUFFIXES: Final = (".pdf", ".xml")


class CannotRead(Exception):
    """Something that was given cannot be read. Its text is for the person who gave it."""


def framed(name: str, work: Callable[[], int], *, jsonl: bool) -> int:
    """Run a command that answers on standard output; its exit code: 2 when a path cannot be read, 130 when stopped."""
    if sys.stdout is None:
        return 1  # closed by the caller: there is nowhere to answer
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8" if jsonl else None, errors="replace")
    try:
        return work()
    except CannotRead as error:
        sys.stderr.write(f"{name} : {error}\n")
        return BAD_CALL
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who read the answers has left, as `head` does; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def jobs(text: str) -> int:
    """How many files at once, as ``--jobs`` takes it."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 64):
        raise argparse.ArgumentTypeError("de 1 à 64")
    return int(text)


def printable(path: Path | str) -> str:
    """A file's name as text, whatever bytes it is made of."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Say of whatever cannot be read within what it is."""
    try:
        yield
    except OSError as error:
        raise CannotRead(f"{what} ne peut pas être lu : {error.strerror}") from error


def in_folder(path: Path) -> list[Path] | None:
    """The PDF and XML files below a folder, sorted; None where the path is a file. Raises CannotRead."""
    with reading(f"« {printable(path)} »"):
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return None
        if stat.S_ISDIR(mode):
            return sorted(_below(path))
    raise CannotRead(f"« {printable(path)} » n'est ni un fichier ni un dossier")


def _below(folder: Path) -> Iterator[Path]:
    def stop(error: OSError) -> None:
        raise error

    for where, _, names in os.walk(folder, onerror=stop):
        found = (Path(where) / name for name in names if name.lower().endswith(SUFFIXES))
        yield from (path for path in found if path.is_file())
