"""``python -m services.ocr read``: the reader without any server, on files and folders."""

import argparse
import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from invoice.directory_file import InvalidDirectory
from services.common import command
from services.common.command import CannotRead, in_folder, printable, reading
from services.ocr.answers import Whole
from services.ocr.known import pack_of_file
from services.ocr.outcomes import megabytes, outcome
from services.ocr.pool import ReaderPool, ReaderUnavailable
from services.ocr.report import Bar, Table, json_line

MAX_FILE_BYTES: Final = 30_000_000  # what a deposit may weigh
_AHEAD: Final = 64  # answers that wait for an earlier one, so that they come in order


class Found(NamedTuple):
    """A file to read, and its name: relative to the one folder given, else as the paths were given."""

    name: str
    path: Path


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code: 0 when every file got an answer, 2 when a path cannot be read."""
    given = _parser().parse_args(arguments)
    return command.framed("services.ocr read", partial(_started, given), jsonl=given.jsonl)


def _started(given: argparse.Namespace) -> int:
    try:
        return asyncio.run(_read(find(given.paths), given, _directory(given.directory)))
    except ReaderUnavailable as error:
        sys.stderr.write(f"services.ocr read : aucun processus de lecture ne démarre ({error})\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.ocr",
        description="Lecture de factures, sans serveur. Sans argument, le service démarre.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="read")
    read = commands.add_parser("read", help="lire des fichiers et des dossiers (*.pdf, *.xml)")
    read.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="fichier, ou dossier lu en entier")
    read.add_argument("--jsonl", action="store_true", help="un objet JSON par fichier, au lieu d'un tableau")
    read.add_argument("--jobs", type=command.jobs, default=1, metavar="N", help="fichiers lus à la fois (1)")
    read.add_argument("--text-only", action="store_true", help="ne pas lire les données que porte un PDF")
    read.add_argument("--directory", type=Path, metavar="FILE", help="annuaire JSON : les destinataires connus")
    parser.epilog = read.format_help()
    return parser


def find(paths: Sequence[Path]) -> list[Found]:
    """The files of these paths, sorted by name: a file whatever it is called, of a folder the PDF and XML files.

    Raises CannotRead.
    """
    found: list[Found] = []
    several = len(paths) > 1  # then only the paths as given tell two files apart
    for path in paths:
        below = in_folder(path)
        if below is None:
            with reading(f"« {printable(path)} »"):
                path.open("rb").close()
            found.append(Found(printable(path if several else path.name), path))
        else:
            named = "{0}/{1}" if several else "{1}"
            found += [Found(named.format(printable(path), printable(one.relative_to(path))), one) for one in below]
    return sorted(found)


def _directory(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        with reading(f"l'annuaire « {printable(path)} »"):
            return pack_of_file(path.read_bytes())
    except InvalidDirectory as error:
        raise CannotRead(f"« {printable(path)} » n'est pas un annuaire : {error.problems[0]}") from error


async def _read(files: Sequence[Found], given: argparse.Namespace, directory: bytes | None) -> int:
    readers = ReaderPool(workers=given.jobs, directory=directory)
    await readers.start()
    bar, table = Bar(sys.stderr, len(files)), Table()
    lost = 0
    try:
        async for found, whole in _answers(readers, files, given):
            lost += any(reason.code == "FILE_UNREADABLE" for reason in whole.unreadable)
            bar.advance()
            if given.jsonl:
                bar.clear()
                _write(sys.stdout, json_line(found.name, whole))
            else:
                table.add(found.name, whole)
    finally:
        bar.clear()
        await readers.stop()
    if not given.jsonl:
        _write(sys.stdout, table.text())
    return command.BAD_CALL if lost else 0


async def _answers(
    readers: ReaderPool, files: Sequence[Found], given: argparse.Namespace
) -> AsyncIterator[tuple[Found, Whole]]:
    """The answers in the order of the files, a few read ahead; each file's bytes are held only while it is read."""
    turns = asyncio.Semaphore(given.jobs + 1)

    async def one(found: Found) -> Whole:
        async with turns:
            return await _one(readers, found.path, given.text_only)

    waiting: deque[tuple[Found, asyncio.Task[Whole]]] = deque()
    try:
        for found in files:
            waiting.append((found, asyncio.create_task(one(found))))
            if len(waiting) >= _AHEAD:
                first, task = waiting.popleft()
                yield first, await task
        while waiting:
            first, task = waiting.popleft()
            yield first, await task
    finally:
        for _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)


async def _one(readers: ReaderPool, path: Path, text_only: bool) -> Whole:
    content = _content(path)
    return content if isinstance(content, Whole) else await readers.read(content, text_only=text_only)


def _content(path: Path) -> bytes | Whole:
    """The file's bytes, or why it has none to read."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            words = {"size": megabytes(size), "limit": megabytes(MAX_FILE_BYTES)}
            return Whole(unreadable=(outcome("FILE_TOO_LARGE", **words),))
        return path.read_bytes() if size else Whole(unreadable=(outcome("FILE_EMPTY"),))
    except OSError as error:
        return Whole(unreadable=(outcome("FILE_UNREADABLE", why=str(error.strerror)),))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotRead(f"la réponse ne peut pas être écrite : {error.strerror}") from error
