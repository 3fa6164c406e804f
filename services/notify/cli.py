"""``python -m services.notify preview NAME`` and ``… load FILE``."""

import argparse
import asyncio
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from invoice.findings import Finding
from invoice.messages import finding
from services.common.db import migrate, open_pool
from services.common.deliver import transaction
from services.notify import addresses
from services.notify.addresses import InvalidManager
from services.notify.domain import MATRIX, Facts, Rule
from services.notify.letters import Letter, render
from services.notify.settings import NotifySettings

_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_BODY = "Département des Alpes-Maritimes – Budget Principal"
_REASONS = (finding("SERVICE_UNKNOWN", value="ACHATS", name=_BODY, siret="22060001900016", codes=""),)


def _of_invoice(reasons: tuple[Finding, ...] = ()) -> Facts:
    return Facts(
        at=_AT,
        number="F-2026-0042",
        issue_date=date(2026, 3, 1),
        payable=Decimal("1234.50"),
        supplier_siret="99900001100018",
        recipient_siret="22060001900016",
        recipient_name=_BODY,
        service_code="TEST-ACHATS",
        service_label="Service des achats",
        reasons=reasons,
    )


#: An example of every kind, as its event would give it.
EXAMPLES: Final = {
    "MISE_A_DISPOSITION": _of_invoice(),
    "A_RECYCLER": _of_invoice(_REASONS),
    "RECYCLEE": _of_invoice(),
    "DRAFT_SAVED": Facts(at=_AT, file_name="facture-0042.pdf", reasons=_REASONS),
    "DEPOSIT_REFUSED": Facts(at=_AT, number="F-2026-0042", file_name="facture-0042.pdf", reasons=_REASONS),
}


def example(rule: Rule) -> Letter:
    """An example of what this rule of the matrix sends."""
    invoice = "0190e8a0-0000-7000-8000-000000000042"
    return render(rule.kind, rule.audience, EXAMPLES[rule.kind], invoice, "https://factures.example")


def run(arguments: list[str]) -> int:
    """Do what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.notify", description="Mail: examples and addresses")
    rules = {f"{rule.kind}/{rule.audience}": rule for rule in MATRIX}
    commands = parser.add_subparsers(dest="command", required=True)
    preview = commands.add_parser("preview", help="print an example of a message")
    preview.add_argument("name", choices=sorted(rules), metavar="NAME", help=", ".join(sorted(rules)))
    preview.add_argument("--html", action="store_true", help="the HTML part instead of the text")
    load = commands.add_parser("load", help="replace managers' addresses by those of a file (CHORALE_… as the service)")
    load.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "preview":
        letter = example(rules[given.name])
        sys.stdout.write(letter.html if given.html else f"{letter.subject}\n\n{letter.text}\n")
        return 0
    return _load(given.file)


def _load(path: Path) -> int:
    try:
        managers = addresses.from_file(path)
    except InvalidManager as error:
        for problem in error.problems:
            sys.stderr.write("{field}: {value!r}. {message} {action}\n".format(**problem))
        return 1
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f'{path}: {type(error).__name__}. A file of the form {{"managers": [...]}} is needed.\n')
        return 1
    structures = asyncio.run(_store(managers))
    sys.stdout.write(f"{len(managers)} managers of {structures} structures loaded\n")
    return 0


async def _store(managers: list[addresses.Manager]) -> int:
    dsn = NotifySettings().dsn.get_secret_value()
    await migrate(dsn, "notify", "services.notify")
    pool = await open_pool(dsn, "notify", max_size=1)
    try:
        keys = sorted({f"manager/{manager.siret}" for manager in managers})
        async with transaction(pool, "notify", keys=keys) as tx:
            return (await addresses.replace(tx.conn, managers)).structures
    finally:
        await pool.close()
