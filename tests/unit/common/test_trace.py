"""W3C trace context."""

from hypothesis import given
from hypothesis import strategies as st

from services.common.trace import child, trace_id

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_child_keeps_the_trace_and_has_a_span_of_its_own() -> None:
    made = child(GIVEN)
    assert trace_id(made) == trace_id(GIVEN)
    assert made.split("-")[2] != GIVEN.split("-")[2]
    assert made.endswith("-01")


@given(st.none() | st.text(max_size=60))
def test_anything_malformed_starts_a_new_trace(text: str | None) -> None:
    made = child(text)
    assert trace_id(made) is not None
    assert len(made) == 55
