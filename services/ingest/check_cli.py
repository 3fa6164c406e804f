"""``python -m services.ingest check``: the checks of a deposit that need no server, on files and folders."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from services.common import command
from services.ingest.check_files import Answer
from services.ingest.check_pool import judged

_VERDICTS: Final = {"accepted": "acceptée", "warning": "acceptée, à relire", "rejected": "refusée"}
_encode = msgspec.json.Encoder().encode


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code: 0 when every file got an answer, 2 when a path cannot be read."""
    given = _parser().parse_args(arguments)
    return command.framed("services.ingest check", partial(_check, given), jsonl=given.jsonl)


def _check(given: argparse.Namespace) -> int:
    files = [path for given_path in given.paths for path in _files(given_path)]
    for answer in judged(files, jobs=given.jobs, standard_only=given.en16931):
        sys.stdout.write((_encode(answer).decode() if given.jsonl else _for_people(answer)) + "\n")
    sys.stdout.flush()
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
    check.add_argument("--jobs", type=command.jobs, default=1, metavar="N", help="fichiers contrôlés à la fois (1)")
    return parser


def _files(path: Path) -> list[Path]:
    """A file whatever it is called; of a folder the PDF and XML files below it, by name. Raises CannotRead."""
    below = command.in_folder(path)
    return [path] if below is None else below


def _for_people(answer: Answer) -> str:
    said = "".join(f"\n  {rule} : {message}" for rule, message in zip(answer.rules, answer.messages, strict=True))
    return f"{answer.file} : {_VERDICTS[answer.verdict]}{said}"
