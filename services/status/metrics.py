"""What the status service counts."""

from typing import Final

from prometheus_client import Counter, Gauge

#: Status entries written, by the status entered.
ENTERED: Final = Counter("chorale_status_entered_total", "Status entries", ["status"])
#: Notices recorded in the history.
NOTICES: Final = Counter("chorale_status_notices_total", "Notices recorded", ["audience", "outcome"])
#: Payment delays started, by what proves the start; ``portal`` means that no notice was accepted for 24 hours.
DELAYS: Final = Counter("chorale_status_delays_started_total", "Payment delays started", ["source"])
#: Timers that fired.
TIMERS: Final = Counter("chorale_status_timers_fired_total", "Timers fired", ["kind"])
#: Live feeds open in this process.
FEEDS: Final = Gauge("chorale_status_feeds_open", "Live feeds open")
#: Live feeds ended by this process because the client took nothing.
FEEDS_DROPPED: Final = Counter("chorale_status_feeds_dropped_total", "Live feeds ended because the client was too slow")
#: Invoices of the whole platform by status, as the sums have them.
INVOICES: Final = Gauge("chorale_status_invoices", "Invoices by status", ["status"])
#: Open invoices by how near their last day to pay is, and what the late ones cost today, in euros.
AT_RISK: Final = Gauge("chorale_status_delay_invoices", "Open invoices by how near their last day is", ["range"])
INTEREST: Final = Gauge("chorale_status_interest_euros", "Interest and indemnities of late invoices", ["part"])
