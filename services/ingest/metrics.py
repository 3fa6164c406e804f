"""What ingest counts."""

from typing import Final

from prometheus_client import Counter, Gauge

#: Deposits answered, by what they were: new, duplicate, repeated (the same Idempotency-Key again).
DEPOSITS: Final = Counter("chorale_deposits_total", "Deposits answered", ["kind"])
#: Deposits decided, by the state they entered.
DECIDED: Final = Counter("chorale_deposits_decided_total", "Deposits decided", ["state"])
#: Attachments answered, by what they were: new, repeated (the same file for the same deposit again).
ATTACHMENTS: Final = Counter("chorale_attachments_total", "Attachments answered", ["kind"])
#: Originals compared with their hash, by what was seen: whole, changed, missing.
ORIGINALS: Final = Counter("chorale_originals_verified_total", "Originals compared with their hash", ["seen"])
#: Uploads in which the antivirus found something.
VIRUSES: Final = Counter("chorale_viruses_total", "Uploads with a virus")
#: Readings that took longer than the setting allows.
OVERDUE: Final = Counter("chorale_readings_overdue_total", "Readings overdue")
#: 1 once the replica of the directory is complete; until then no invoice is checked against it.
DIRECTORY_COMPLETE: Final = Gauge("chorale_directory_complete", "Directory replica complete")
#: Documents without a deposit, and attachments without a row, that the sweep deleted.
SWEPT: Final = Counter("chorale_documents_swept_total", "Orphan documents deleted")
#: Items of flows, by what was done: read (a row), released (a deposit), duplicate, withdrawn (a right).
FLOW_ITEMS: Final = Counter("chorale_flow_items_total", "Items of flows", ["step"])
#: Flows that ended, by how.
FLOWS: Final = Counter("chorale_flows_total", "Flows ended", ["state"])
