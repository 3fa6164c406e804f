"""What is said of a file as such, ``data/file_findings.yaml``: of a document that is read, of a flow and its files."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from invoice import packaged
from invoice.findings import Level


class FileFinding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row: ``message`` and ``action`` are French, with ``{places}`` for words."""

    level: Level
    message: str
    action: str


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reading: dict[str, FileFinding]
    flow: dict[str, FileFinding]


_DATA = msgspec.convert(packaged.load("file_findings.yaml"), _Data)
#: Of one document, as its reader says them.
READING: Mapping[str, FileFinding] = MappingProxyType(_DATA.reading)
#: Of a flow (``FLOW_``) and of one file in it (``ENTRY_``).
FLOW: Mapping[str, FileFinding] = MappingProxyType(_DATA.flow)
