"""What the model invoice for word processors is packed with: zipped XML, one date in every entry, no other tool."""

from collections.abc import Iterable
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
#: Width of the text, of the columns of references, lines and sums, in millimetres.
WIDTH: Final = 174
PAIR: Final = (45, 60)
LINES: Final = (68, 20, 32, 18, 36)
SUMS: Final = (106, 34, 34)


def zipped(entries: Iterable[tuple[str, str]], unpacked: str = "") -> bytes:
    """An archive of texts by their names. ``unpacked``: the entry that is stored as it is."""
    target = BytesIO()
    with ZipFile(target, "w") as archive:
        for name, text in entries:
            info = ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = ZIP_STORED if name == unpacked else ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, text)
    return target.getvalue()
