"""Coverage-guided fuzzing of the XML parser: ``python -m tests.fuzz.harness_xml [-max_total_time=S] [FOLDER]``.

Needs atheris (``pip install atheris``; wheels for Linux); any option of libFuzzer will do. FOLDER keeps the inputs that
reach something new; it comes before the seeds, which are made for each run. The mutation tests ask the same
:func:`outcome`.
"""

import importlib
import inspect
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from invoice.messages import CODES
from invoice.reading import FIELD_NAMES
from invoice.syntax import DataFile, Limits, SyntaxRefused, choose, parse
from tests.unit.invoice.syntax.samples import CREDIT_NOTE, PLAIN, cii, cpp, ubl

SIGNED = r"-?\d{1,17}\.\d\d"
ROW = rf"\d{{1,3}}\.\d\d {SIGNED} {SIGNED}"
CANONICAL = {
    **dict.fromkeys(("issue_date", "due_date"), re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)),
    **dict.fromkeys(
        ("total_excl_tax", "tax", "total_incl_tax", "prepaid", "payable"),
        re.compile(rf"{SIGNED}|-?\d{{17}}\.\d\d", re.ASCII),
    ),
    "vat_breakdown": re.compile(rf"\d{{1,3}}\.\d\d {SIGNED} {SIGNED}(; \d{{1,3}}\.\d\d {SIGNED} {SIGNED})*", re.ASCII),
    **dict.fromkeys(("supplier_siret", "recipient_siret"), re.compile(r"\d{14}", re.ASCII)),
    **dict.fromkeys(("supplier_siren", "recipient_siren"), re.compile(r"\d{9}", re.ASCII)),
    "supplier_iban": re.compile(r"[A-Z]{2}\d\d[A-Z0-9]{11,30}", re.ASCII),
    **dict.fromkeys(("vat_regime", "payment_mode"), re.compile(r"[A-Z_]+", re.ASCII)),
}
LIMITS = Limits(max_attachment_bytes=1_000_000)


def seeds() -> dict[str, bytes]:
    """One document of each flavour."""
    full = PLAIN.__class__(attachments=(("a.pdf", "application/pdf", b"%PDF-1.7"),), reference="ROUTES", preceding="F0")
    return {
        "ubl": ubl(full),
        "credit_note": ubl(CREDIT_NOTE, root="CreditNote"),
        "chorus_ubl": ubl(full, chorus="A1"),
        "cii": cii(full),
        "zugferd_1": cii(PLAIN, zugferd_1=True),
        "chorus_cii": cii(PLAIN, chorus="A9"),
        "flow": cpp(full, PLAIN),
        "utf_16": ubl(PLAIN).decode().encode("utf-16"),
        "latin_1": ubl(PLAIN.__class__(notes=())).replace(b"UTF-8", b"ISO-8859-1"),
    }


def outcome(data: bytes) -> str:
    """``read``, or the code of the refusal. Anything else is a fault and is raised."""
    refused: SyntaxRefused | None = None
    found: tuple[DataFile, ...] = ()
    try:
        found = parse(data, limits=LIMITS)
    except SyntaxRefused as why:
        refused = why
    if refused is not None:
        assert CODES[refused.finding.code].level == "refuse"
        assert min(refused.line, refused.column) >= 0
        return refused.finding.code
    assert found
    for one in found:
        examine(one)
    chosen = choose([("factur-x.xml", data), ("other.xml", data)], limits=LIMITS)
    assert chosen is not None
    examine(chosen)
    return "read"


def examine(found: DataFile) -> None:
    """Every promise that can be checked on any document."""
    names = [datum.name for datum in found.fields]
    assert names == [name for name in FIELD_NAMES if name in names]
    for datum in found.fields:
        assert datum.value
        assert len(datum.value) <= 10_000
        form = CANONICAL.get(datum.name)
        assert form is None or form.fullmatch(datum.value), (datum.name, datum.value)
    for warning in found.warnings:
        assert CODES[warning.code].level in ("info", "warn")
        assert len(warning.message) <= 2_000
    unsure = {datum.name for datum in found.fields if not datum.sure}
    assert not unsure or found.warnings or unsure <= {"currency"}
    assert sum(1 for _ in found.lines()) == found.lines_count
    assert all(note.text for note in found.notes)
    for attachment in found.attachments:
        assert "/" not in attachment.name
        end = ""
        try:
            end = f"{len(attachment.content())} bytes"
        except SyntaxRefused as why:
            end = why.finding.code
        assert end in (f"{attachment.size} bytes", "ATTACHMENT_DAMAGED", "ATTACHMENT_TOO_BIG")


def functions() -> Iterator[Any]:
    """Every function and method of the parser, for the instrumentation."""
    for name in [name for name in sys.modules if name.startswith("invoice.syntax")]:
        for thing in vars(sys.modules[name]).values():
            within = vars(thing).values() if inspect.isclass(thing) else (thing,)
            yield from (one for one in within if inspect.isfunction(one) and one.__module__ == name)


def main() -> None:
    """Run atheris over the seeds, as long as its arguments say. An input that fails goes to the temporary folder."""
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        sys.exit("atheris is missing: type 'pip install atheris' (Linux), then start again.")
    for function in list(functions()):
        atheris.instrument_func(function)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in seeds().items():
            (Path(folder) / name).write_bytes(data)
        kept = f"-artifact_prefix={tempfile.gettempdir()}/"
        atheris.Setup([sys.argv[0], kept, *sys.argv[1:], folder], outcome)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
