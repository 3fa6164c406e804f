"""What the ways out count."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

#: Attempts, by what they came to.
ATTEMPTS: Final = Counter("chorale_webhook_attempts_total", "Webhook attempts", ["result"])
#: Deliveries given up after three days: the owner may ask for a replay.
GIVEN_UP: Final = Counter("chorale_webhook_given_up_total", "Webhook deliveries given up")
#: One call, from the first byte to the end of the answer.
CALL_SECONDS: Final = Histogram(
    "chorale_webhook_call_seconds", "One webhook call", buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15)
)
#: Receivers whose circuit is open.
CIRCUITS_OPEN: Final = Gauge("chorale_webhook_circuits_open", "Receivers left alone for now")
#: Age of the oldest delivery that is due to a receiver whose circuit is closed.
DUE_AGE: Final = Gauge("chorale_webhook_due_oldest_seconds", "Age of the oldest delivery due")
#: Secrets that no key of the settings opens: their webhooks cannot sign and wait.
SEALED: Final = Counter("chorale_webhook_cannot_unseal_total", "Claims of a webhook whose secret cannot be opened")
#: Files put into folders.
FILES: Final = Counter("chorale_outgoing_files_total", "Files written")
#: Age of the oldest file that is planned and not written.
FILE_AGE: Final = Gauge("chorale_outgoing_file_oldest_seconds", "Age of the oldest file not written")
