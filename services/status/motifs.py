"""The motifs that may be given for a status, as ``invoice/data/motifs.yaml`` lists them (decisions.md 11). Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from invoice import packaged


def _load() -> Mapping[str, Mapping[str, str]]:
    offered: dict[str, dict[str, str]] = {}
    for row in packaged.load("motifs.yaml")["motifs"]:
        for status in row["chorus"]:
            offered.setdefault(status, {})[row["code"]] = row["label_fr"]
    return MappingProxyType({status: MappingProxyType(motifs) for status, motifs in offered.items()})


#: Status → code → French label.
OFFERED: Mapping[str, Mapping[str, str]] = _load()


def offered(status: str | None) -> Mapping[str, str]:
    """Code and label of each motif for ``status``; empty where none is offered."""
    return OFFERED.get(status or "", MappingProxyType({}))
