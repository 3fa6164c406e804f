"""What a list shows of an invoice."""

from typing import Final

COLUMNS: Final = (
    "id, number, header, submitted_at, status, status_at, version, attempt, recipient_name, service_code,"
    " service_label, payment_delay_started_on, payment_delay_started_at, payment_delay_source,"
    " due_on, payment_delay_state, terms, trial, works_file"
)
