"""What supervision reads in a service's metrics."""

from services.supervision.neighbours import Seen, read_metrics

TEXT = """# HELP chorale_outbox_unsent Outbox rows not sent
# TYPE chorale_outbox_unsent gauge
chorale_outbox_unsent 3.0
# TYPE chorale_outbox_oldest_seconds gauge
chorale_outbox_oldest_seconds 1.5
# TYPE chorale_waiting_events gauge
chorale_waiting_events 2.0
# TYPE chorale_dead_letters_open gauge
chorale_dead_letters_open{reason="BUG"} 4.0
chorale_dead_letters_open{reason="NOT_CLOUDEVENTS"} 1.0
# TYPE chorale_consuming_stopped gauge
chorale_consuming_stopped 1.0
# TYPE chorale_status_interest_euros gauge
chorale_status_interest_euros{part="interest"} 12.5
"""


def test_gauges_are_read_by_name_and_label() -> None:
    assert read_metrics(TEXT) == Seen(
        outbox=3,
        outbox_seconds=1.5,
        waiting=2,
        dead={"BUG": 4, "NOT_CLOUDEVENTS": 1},
        stopped=True,
        interest={"interest": 12.5},
    )


def test_a_service_that_says_nothing_of_it_has_none() -> None:
    assert read_metrics("") == Seen()
