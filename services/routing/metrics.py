"""Metrics of routing."""

from typing import Final

from prometheus_client import Counter

#: Decisions taken, by outcome: routed, unroutable.
DECISIONS: Final = Counter("chorale_routing_decisions_total", "Routing decisions", ["outcome"])
#: Directory entries that an import wrote, by what happened: added, changed.
DIRECTORY_CHANGES: Final = Counter("chorale_routing_directory_changes_total", "Directory entries written", ["change"])
