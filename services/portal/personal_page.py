"""``docs/personal-data.md`` from ``data/personal.yaml``; ``python -m services.portal.personal_page`` writes it."""

import sys
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from invoice import packaged

PAGE: Final = Path("docs/personal-data.md")
_HEAD: Final = """# Personal data

Written by `python -m services.portal.personal_page` from `services/portal/data/personal.yaml`; a test holds it
against the tables of every schema. `*.` stands for every service's schema. Whose data they are for the GDPR: each
public body is responsible for its invoices and its people, the operator processes for it; suppliers' accounts are the
operator's.

## What a person may ask, and the command that does it

```console
$ python -m services.portal personal-data export --subject person:… --to FILE
$ python -m services.portal personal-data erase --subject person:… --by person:…
$ python -m services.portal personal-data show --subject person:…
$ python -m services.routing tenant export TENANT
$ python -m services.routing tenant delete TENANT
```

* **Access, portability** (15, 20): `export` writes one file of JSON lines, service by service; the last line says that
  no part is missing. A person gets the same from the account's own page, without the operator.
* **Rectification** (16): name, addresses and structures are changed in the account; an invoice is corrected by its
  recycling, since what was sent is a proof.
* **Erasure** (17): closing an account asks for it. `erase` asks for it at once, for an account that is closed; portal
  then asks each service until every one has answered, and `show` says what is gone, what is kept, and on which ground
  (17.3.b and e). Drafts go first, with what was read of them; the history keeps what was done, without the name.
* **Objection, restriction** (18, 21): a locked account does nothing; mails that may be switched off are, by their link.
* Backups are erased by their age: the longest term of a backup is added to every term below.

"""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One purpose, with the tables that hold its data."""

    title: str
    holds: str
    whose: str
    purpose: str
    basis: str
    kept: str
    ends: str
    tables: dict[str, list[str]]


class Without(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tables in which nobody is named."""

    why: str
    tables: list[str]


class Register(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of it. ``harmless``: columns whose names sound like a person's."""

    register: list[Row]
    without: list[Without]
    harmless: dict[str, list[str]]


def load() -> Register:
    """The register as it is written down."""
    text = resources.files("services.portal").joinpath("data/personal.yaml").read_text("utf-8")
    return msgspec.convert(packaged.parse(text), Register)


def page() -> str:
    """The page's text."""
    found = load()
    lines = [_HEAD.rstrip(), "", "## Register", ""]
    for row in found.register:
        lines += [
            f"### {row.title}",
            "",
            "| | |",
            "| --- | --- |",
            f"| holds | {row.holds} |",
            f"| whose | {row.whose} |",
            f"| purpose | {row.purpose} |",
            f"| basis | {row.basis} |",
            f"| kept | {row.kept} |",
            f"| ended by | {row.ends} |",
            f"| tables | {', '.join(_table(name, columns) for name, columns in row.tables.items())} |",
            "",
        ]
    lines += ["## Tables in which nobody is named", "", "| tables | why |", "| --- | --- |"]
    lines += [f"| {', '.join(f'`{name}`' for name in one.tables)} | {one.why} |" for one in found.without]
    return "\n".join(lines) + "\n"


def _table(name: str, columns: list[str]) -> str:
    return f"`{name}` ({', '.join(columns)})"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
