"""The command line of the local stack.

``python -m deploy.local up`` runs everything behind one address and keeps its data in ``.local/up``;
``servers`` runs the servers alone, in a temporary folder, and prints how to reach them;
``fetch`` brings what the servers need from the network;
``reset`` removes what ``up`` keeps;
``code WHO`` prints the one-time code of an account of the demo. Ctrl-C (or SIGTERM) ends the first two cleanly.
"""

import argparse
import fcntl
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from contracts.registry import SERVICES
from deploy.demo import furnish
from deploy.demo.book import Book
from deploy.demo.book import code as code_of
from deploy.demo.prepare import prepare
from deploy.local import Stack
from deploy.servers.caddy import PREFERRED_PORT
from deploy.servers.errors import StackError
from deploy.servers.kafka import jars
from deploy.servers.workspace import ROOT

FOLDER = ROOT / ".local" / "up"
_NOT_OURS = "Des serveurs sont donnés par l'environnement : ni annuaire ni comptes de démonstration n'y sont mis."
_END = "Ctrl-C arrête tout et garde les données."


def main(arguments: list[str] | None = None) -> int:
    """0 when it ended as asked, 1 with one sentence on stderr when it could not."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("command", choices=("up", "servers", "fetch", "reset", "code"))
    parser.add_argument("who", nargs="?", default="exploitant", help="whose code `code` prints")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where `up` keeps its data")
    parser.add_argument("--port", type=int, default=PREFERRED_PORT, help="the port in front, where it is free")
    parser.add_argument(
        "--past",
        choices=("year", "none"),
        default="year",
        help="what lies behind the demo's people: none starts sooner",
    )
    options = parser.parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: _interrupt(ended))
    try:
        commands = {"up": up, "servers": servers, "fetch": fetch, "reset": reset, "code": code}
        return commands[options.command](ended, options)
    except StackError as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _interrupt(ended: threading.Event) -> None:
    if ended.is_set():
        return  # stopping already, and that is bounded
    ended.set()
    raise KeyboardInterrupt


def up(ended: threading.Event, options: argparse.Namespace) -> int:
    """The whole platform until Ctrl-C."""
    with _alone(options.folder):
        clock = options.folder.resolve() / furnish.CLOCK
        clock.unlink(missing_ok=True)  # of a start that was cut while the time was moved
        settings = {"CHORALE_CLOCK_FILE": str(clock), "CHORALE_GATHER_SECONDS": "0.5"}
        stack = Stack(
            SERVICES,
            folder=options.folder,
            gateway=True,
            port=options.port,
            supervise=True,
            settings=settings,
            say=_say,
        )
        _until_told(stack, ended, partial(_furnished, past=options.past == "year"))
    print(f"Arrêté. Les données restent dans {options.folder} ; `make reset` les efface.")
    return 0


def servers(ended: threading.Event, _: argparse.Namespace) -> int:
    """Kafka, PostgreSQL, S3 and the inbox until Ctrl-C."""
    _until_told(Stack(say=_say), ended, _exports)
    return 0


def fetch(_: threading.Event, __: argparse.Namespace) -> int:
    """Bring what has to come over the network before the first start."""
    print(f"Kafka : {jars()}")
    return 0


def reset(_: threading.Event, options: argparse.Namespace) -> int:
    """Remove the data of ``up``."""
    with _alone(options.folder):
        shutil.rmtree(options.folder, ignore_errors=True)
    print("Les données de `make up` sont effacées.")
    return 0


def code(_: threading.Event, options: argparse.Namespace) -> int:
    """The one-time code of an account of the demo, for this half minute."""
    account = Book(options.folder).kept.accounts.get(options.who)
    if account is None or account.totp is None:
        print(f"« {options.who} » n'a pas de second facteur ici.", file=sys.stderr)
        return 1
    print(code_of(account.totp))
    return 0


def _until_told(stack: Stack, ended: threading.Event, describe: Callable[[Stack], str]) -> None:
    try:
        with stack:
            print(describe(stack), flush=True)
            signal.pause()
    except KeyboardInterrupt:
        if not ended.is_set():
            raise


def _say(line: str) -> None:
    print(line, flush=True)


def _furnished(stack: Stack, *, past: bool) -> str:
    if not furnish.may(stack):
        return f"{_addresses(stack)}\n{_NOT_OURS}\n{_END}"
    _say(f"annuaire de démonstration : {prepare(stack)}")
    book = furnish.furnish(stack, _say, past=past)
    return "\n".join((_addresses(stack), *furnish.lines(book, stack.url), _END))


def _addresses(stack: Stack) -> str:
    documentation = "\n".join(f"  {stack.url}/docs/{service}" for service in SERVICES)
    health = "\n".join(f"  {stack.url}/health/{service}" for service in SERVICES)
    return (
        f"\nChorale répond sur {stack.url}\n"
        f"API, une page par service :\n{documentation}\n"
        f"E-mails envoyés : {stack.smtp.url or 'chez le serveur SMTP donné'}\n"
        f"Santé :\n{health}\n"
        f"Journaux : {stack.workspace.logs}\n"
        f"Secret des jetons de développement : {stack.workspace.folder / 'secrets.json'}"
    )


def _exports(stack: Stack) -> str:
    found = {
        "CHORALE_KAFKA": stack.kafka.bootstrap,
        "CHORALE_ADMIN_DSN": stack.postgres.admin_dsn,
        "CHORALE_S3_ENDPOINT": stack.s3.endpoint,
        "CHORALE_S3_ACCESS_KEY": stack.s3.access_key,
        "CHORALE_S3_SECRET_KEY": stack.s3.secret_key,
        "CHORALE_SMTP_HOST": stack.smtp.host,
        "CHORALE_SMTP_PORT": str(stack.smtp.port),
    }
    return "\n".join(f"export {name}='{value}'" for name, value in found.items())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder. Raises StackError when another ``up`` does."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder.with_name(f"{folder.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StackError("`make up` runs already from this checkout: stop it first with Ctrl-C.") from error
    try:
        yield
    finally:
        os.close(descriptor)
