"""``python -m services.ingest check``: the checks of a deposit that need no server, on files and folders."""

import argparse
import io
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from services.ingest.check_files import Answer
from services.ingest.check_pool import judged

SUFFIXES: Final = (".pdf", ".xml")
_BAD_CALL: Final = 2
_INTERRUPTED: Final = 130
_VERDICTS: Final = {"accepted": "acceptée", "warning": "acceptée, à relire", "rejected": "refusée"}
_encode = msgspec.json.Encoder().encode


class CannotCheck(Exception):
    """A path that was given cannot be read. Its text is for the person who gave it."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code: 0 when every file got an answer, 2 when a path cannot be read."""
    given = _parser().parse_args(arguments)
    if sys.stdout is None:
        return 1  # closed by the caller: there is nowhere to answer
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8" if given.jsonl else None, errors="replace")
    try:
        files = [path for given_path in given.paths for path in _files(given_path)]
        for answer in judged(files, jobs=given.jobs, standard_only=given.en16931):
            sys.stdout.write((_encode(answer).decode() if given.jsonl else _for_people(answer)) + "\n")
        sys.stdout.flush()
    except CannotCheck as error:
        sys.stderr.write(f"services.ingest check : {error}\n")
        return _BAD_CALL
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Who read the answers has left, as `head` does; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.ingest",
        description="Contrôle de factures, sans serveur. Sans argument, le service démarre.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="check")
    check = commands.add_parser("check", help="contrôler des fichiers et des dossiers (*.xml, *.pdf)")
    check.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="fichier, ou dossier parcouru en entier")
    check.add_argument("--jsonl", action="store_true", help="un objet JSON par fichier : verdict, règles, phrases")
    check.add_argument(
        "--en16931", action="store_true", help="les règles de la norme européenne seules, sur tout fichier UBL ou CII"
    )
    check.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="fichiers contrôlés à la fois (1)")
    return parser


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 64):
        raise argparse.ArgumentTypeError("de 1 à 64")
    return int(text)


def _files(path: Path) -> Iterator[Path]:
    """A file whatever it is called; of a folder the PDF and XML files below it, by name. Raises CannotCheck."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            yield path
        elif stat.S_ISDIR(mode):
            yield from sorted(_in_folder(path))
        else:
            raise CannotCheck(f"« {path} » n'est ni un fichier ni un dossier")
    except OSError as error:
        raise CannotCheck(f"« {path} » ne peut pas être lu : {error.strerror}") from error


def _in_folder(folder: Path) -> Iterator[Path]:
    def stop(error: OSError) -> None:
        raise error

    for where, _, names in os.walk(folder, onerror=stop):
        found = (Path(where) / name for name in names if name.lower().endswith(SUFFIXES))
        yield from (path for path in found if path.is_file())


def _for_people(answer: Answer) -> str:
    said = "".join(f"\n  {rule} : {message}" for rule, message in zip(answer.rules, answer.messages, strict=True))
    return f"{answer.file} : {_VERDICTS[answer.verdict]}{said}"
