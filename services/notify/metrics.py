"""What the notify service counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

#: Messages written, by kind and audience.
WRITTEN: Final = Counter("chorale_notify_written_total", "Messages written", ["kind", "audience"])
#: Messages that could be written to nobody: the body has no manager's address, or the supplier's is unusable.
NO_ADDRESS: Final = Counter("chorale_notify_no_address_total", "Messages without an address", ["audience"])
#: Attempts, by what the relay's answer means.
ATTEMPTS: Final = Counter("chorale_notify_attempts_total", "Attempts", ["result"])
#: Messages given up: somebody has to be told otherwise.
GIVEN_UP: Final = Counter("chorale_notify_given_up_total", "Messages given up", ["audience", "cause"])
#: From the first command to the relay's answer.
SEND_SECONDS: Final = Histogram(
    "chorale_notify_send_seconds", "One message to the relay", buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30)
)
#: Messages whose time has come, and how long the oldest has waited.
DUE: Final = Gauge("chorale_notify_due", "Messages due")
DUE_AGE: Final = Gauge("chorale_notify_due_oldest_seconds", "Age of the oldest message due")
#: 1 while the relay cannot be reached.
RELAY_AWAY: Final = Gauge("chorale_notify_relay_away", "The relay cannot be reached")
#: Messages carried by a mail with others, by why they were gathered.
GATHERED: Final = Counter("chorale_notify_gathered_total", "Messages gathered into one mail", ["gathering"])
#: Addresses that a bounce declared dead.
DEAD: Final = Counter("chorale_notify_dead_addresses_total", "Addresses declared dead", ["audience"])
#: Bounces handed in, by what they were: ``dead``, ``delayed``, ``forged``, ``unread``.
BOUNCES: Final = Counter("chorale_notify_bounces_total", "Bounces handed in", ["outcome"])
#: Notices to a body that others had to take over: its ``others``, the ``administrator``, or the ``portal`` alone.
TAKEN_OVER: Final = Counter("chorale_notify_taken_over_total", "Notices taken over", ["by"])
