"""What supervision shows at ``/metrics``: the figures of its pages, for whoever keeps them in Prometheus."""

from typing import Final

from prometheus_client import Counter, Gauge

#: Seconds from an event's own instant until it stood in the windows: the newest of the last batch.
LATE: Final = Gauge("chorale_supervision_late_seconds", "Age of the newest event when it was counted")
#: Records that are no events of the platform, and events that could not be counted, by reason.
SKIPPED: Final = Counter("chorale_supervision_skipped_total", "Records not counted", ["reason"])
#: Events of each stage in the last whole minute and the last hour, whole platform.
STAGE_MINUTE: Final = Gauge("chorale_supervision_stage_last_minute", "Events in the last whole minute", ["stage"])
STAGE_HOUR: Final = Gauge("chorale_supervision_stage_last_hour", "Events in the last hour", ["stage"])
#: Percentiles of the last hour, whole platform.
TIME: Final = Gauge("chorale_supervision_seconds", "Time taken, last hour", ["measure", "quantile"])
#: Of each service: records it has not read, the age of the oldest, and whether it answers.
UNREAD: Final = Gauge("chorale_supervision_unread", "Records not read yet", ["service"])
OLDEST: Final = Gauge("chorale_supervision_oldest_unread_seconds", "Age of the oldest record not read", ["service"])
AWAY: Final = Gauge("chorale_supervision_service_away", "The service does not answer", ["service"])
OUTBOX: Final = Gauge("chorale_supervision_outbox_unsent", "Outbox rows not sent", ["service"])
OUTBOX_AGE: Final = Gauge("chorale_supervision_outbox_oldest_seconds", "Age of the oldest row not sent", ["service"])
WAITING: Final = Gauge("chorale_supervision_waiting_events", "Events waiting for their predecessor", ["service"])
WAITING_AGE: Final = Gauge("chorale_supervision_waiting_oldest_seconds", "Age of the oldest waiting event", ["service"])
DEAD: Final = Gauge("chorale_supervision_dead_letters", "Dead letters open", ["service", "reason"])
#: Share of the fields that were kept as they were read, last 24 hours.
FIELDS: Final = Gauge("chorale_supervision_fields_kept_share", "Fields read without correction, last 24 hours")
#: What status says of its open invoices: passed on, so that one place has all.
INVOICES: Final = Gauge("chorale_supervision_invoices", "Invoices by status", ["status"])
RISK: Final = Gauge("chorale_supervision_delay_invoices", "Open invoices by how near their last day is", ["range"])
INTEREST: Final = Gauge("chorale_supervision_interest_euros", "Interest and indemnities of late invoices", ["part"])
