"""``make scenarios``: plays every life of ``lives.yaml``, prints each story; exits 0 only if each ends as written."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.registry import SERVICES
from deploy.demo.prepare import prepare
from deploy.local import Stack
from deploy.servers.errors import StackError
from services.status import explain
from tests.scenarios.days import Days
from tests.scenarios.judge import Court, Ended
from tests.scenarios.player import Playing, play
from tests.scenarios.table import Life, load


def main(arguments: Sequence[str]) -> int:
    """0: every life has ended as its table says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.scenarios", description="Joue des vies entières de factures."
    )
    parser.add_argument("words", nargs="*", help="seulement les vies dont le nom contient l'un de ces mots")
    given = parser.parse_args(arguments)
    lives = [life for life in load() if not given.words or any(word in life.name for word in given.words)]
    if not lives:
        sys.stderr.write("Aucune vie ne porte ces mots.\n")
        return 2
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        days = Days(Path(folder) / "clock")
        try:
            with stack(days) as running:
                prepare(running)
                court = Court(running, days)
                playing = play(running, days, lives, court.settle, _say)
                return _verdict(court, playing, began)
        except StackError as error:
            sys.stderr.write(f"{error}\n")
            return 2


def stack(days: Days) -> Stack:
    """The whole platform, whose services all follow the file of ``days``."""
    return Stack(services=SERVICES, gateway=True, settings={"CHORALE_CLOCK_FILE": str(days.file)}, say=_say)


def _verdict(court: Court, playing: Sequence[Playing], began: float) -> int:
    wrong = 0
    for one in playing:
        ended = court.end(one)
        faults = list(court.faults(one, ended))
        wrong += bool(faults)
        _print(one.life, ended, faults)
        one.close()
    fine = len(playing) - wrong
    print(f"\n{fine} vie(s) sur {len(playing)} finissent comme écrit, en {time.monotonic() - began:.0f} s.")
    return 1 if wrong else 0


def _print(life: Life, ended: Sequence[Ended], faults: Sequence[str]) -> None:
    print(f"\n━━ {life.name} : {'COMME ÉCRIT' if not faults else 'AUTREMENT QU’ÉCRIT'}")
    for each in ended:
        print("\n".join(f"   {line}" for line in explain.story(each.told)))
        print("   Courriels reçus par le relais")
        for mail in each.mails:
            print(f"     à {', '.join(mail['to'])} : {mail['subject']}")
        print()
    for fault in faults:
        print(f"   ✗ {fault}")


def _say(line: str) -> None:
    print(f"  … {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
