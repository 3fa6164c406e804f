"""Archives for the tests of flows: good ones, and what an attacker would send."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence

from tests.unit.ingest.samples import RECIPIENT, SUPPLIER
from tests.unit.invoice.syntax.facts import Facts
from tests.unit.invoice.syntax.write_cii import cii
from tests.unit.invoice.syntax.write_ubl import ubl


def facts(number: str, **more: str) -> Facts:
    """An invoice that the directory of the tests accepts."""
    given = {
        "number": number,
        "issue_date": "2025-11-03",
        "due_date": "2025-12-03",
        "supplier_siret": SUPPLIER,
        "supplier_siren": SUPPLIER[:9],
        "supplier_vat": None,
        "recipient_siret": RECIPIENT,
        "recipient_siren": more.get("recipient_siret", RECIPIENT)[:9],
        "service": None,
        "engagement": None,
        "contract": None,
        "prepaid": None,
        "payable": "1305.50",
        **more,
    }
    return Facts(**given)  # type: ignore[arg-type]


def invoice(number: str, **more: str) -> bytes:
    """One structured invoice: UBL and CII take turns."""
    written = facts(number, **more)
    return ubl(written) if number[-1:] in "02468" else cii(written)


def zipped(files: Mapping[str, bytes] | Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(zipfile.ZipInfo(name, (2026, 3, 2, 9, 0, 0)), content, method)
    return out.getvalue()


def tarred(files: Mapping[str, bytes], extra: Sequence[tarfile.TarInfo] = ()) -> bytes:
    """A TAR.GZ of these files, and of bare entries behind them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in extra:
            archive.addfile(info)
    return out.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    """A link out of the archive."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name: str, target: str) -> bytes:
    """A ZIP with a symbolic link."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o120777 << 16
        archive.writestr(info, target)
    return out.getvalue()


def zip_bomb(megabytes: int = 150) -> bytes:
    """Zeros, in files of a size that each would be taken."""
    return zipped({f"{number}.xml": bytes(25_000_000) for number in range(max(1, megabytes // 25))})


def gzip_bomb(megabytes: int = 150) -> bytes:
    """Zeros where a TAR should be, behind one good entry."""
    good = gzip.decompress(tarred({"a.xml": invoice("A2")}))
    return gzip.compress(good[:1024] + bytes(megabytes * 1_000_000))
