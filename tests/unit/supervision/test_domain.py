"""What events add up to, whatever the order in which their topics are read."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.events import (
    DelayAtRisk,
    DepositRefused,
    DocumentRead,
    DocumentReceived,
    FlowCounts,
    FlowFinished,
    InvoiceSubmitted,
    StatusChanged,
)
from contracts.registry import TOPIC_OF
from services.supervision.counting import count
from services.supervision.domain import Journey
from services.supervision.sums import HOUR, LIVE, Sums, window
from tests.supervised import Life, Lives, example

NOW = datetime(2026, 11, 23, 9, 0, 7, tzinfo=UTC)


def _overtaking(events: Sequence[Event], chance: Random) -> list[Event]:
    """In the order of each topic and key, but with the topics anyhow."""
    queues: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        queues.setdefault((TOPIC_OF[type(event.data)].name, event.subject), []).append(event)
    found = []
    while queues:
        name = chance.choice(list(queues))
        found.append(queues[name].pop(0))
        if not queues[name]:
            del queues[name]
    return found


def _counted(events: Sequence[Event], sizes: Sequence[int]) -> list[Counter[Any]]:
    known: dict[str, Journey] = {}
    total = Sums()
    rest = list(events)
    for size in sizes:
        batch, rest = rest[:size], rest[size:]
        _add(total, count(batch, known))
    _add(total, count(rest, known))
    return [Counter({k: n for k, n in c.items() if n}) for c in (total.stages, total.times, total.fields)]


def _add(total: Sums, found: Sums) -> None:
    for mine, more in ((total.stages, found.stages), (total.times, found.times), (total.fields, found.fields)):
        for key, number in more.items():
            mine[key] += number  # type: ignore[index]


@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 30), max_size=6))
def test_topics_that_overtake_each_other_change_no_figure(seed: int, sizes: list[int]) -> None:
    events = Lives("order", NOW).some(6)
    assert _counted(_overtaking(events, Random(seed)), sizes) == _counted(events, [])


def test_lives_come_to_what_they_are() -> None:
    lives = Lives("sums", NOW)
    stages, times, fields = _counted(lives.some(50), [7] * 20)
    for size in (LIVE, HOUR):
        found: Counter[tuple[str, str]] = Counter()
        for key, number in stages.items():
            if key.size == size:
                found[key.tenant, key.stage] += number
        assert found == lives.told.stages
    measured: Counter[tuple[str, str]] = Counter()
    for key, number in times.items():
        if key.size == LIVE:
            measured[key.tenant, key.measure] += number
    assert measured == {key: len(values) for key, values in lives.told.times.items()}
    outcomes: Counter[tuple[str, str]] = Counter()
    for key, number in fields.items():
        outcomes[key.tenant, key.outcome] += number
    assert outcomes == Counter({key: number for key, number in lives.told.fields.items() if number})


def test_a_window_begins_where_its_size_says() -> None:
    assert window(NOW.timestamp(), LIVE) == datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC).timestamp()
    assert window(NOW.timestamp() + 3, LIVE) == datetime(2026, 11, 23, 9, 0, 10, tzinfo=UTC).timestamp()
    assert window(NOW.timestamp() + 3599, HOUR) == datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC).timestamp()


def test_a_way_with_a_persons_stop_is_not_the_platforms_time() -> None:
    life = Life("7d4f0f63-1111-4222-8333-444455556666", "ville")
    life.happens(example(InvoiceSubmitted, "minimal", submitted_at=NOW), NOW)
    life.enters("DEPOSEE", "A_RECYCLER", NOW, "ville")
    life.enters("A_RECYCLER", "MISE_A_DISPOSITION", NOW, "ville")
    known: dict[str, Journey] = {}
    sums = count(life.events, known)
    assert not sums.times
    assert [journey.done for journey in known.values()] == [True]


def test_a_way_that_waits_for_validators_is_done_as_soon_as_its_tenant_is_known() -> None:
    life = Life("7d4f0f63-1111-4222-8333-444455556666", "ville")
    known: dict[str, Journey] = {}
    life.happens(example(InvoiceSubmitted, "minimal", submitted_at=NOW, validators=("73282932000074",)), NOW)
    count(life.events, known)
    assert [journey.done for journey in known.values()] == [False]
    life.enters(None, "A_VALIDER_1", NOW, "ville")
    count(life.events[1:], known)
    assert [journey.done for journey in known.values()] == [True]


def test_what_comes_long_after_opens_no_way_and_still_counts() -> None:
    life = Life("7d4f0f63-1111-4222-8333-444455556666", "ville")
    life.enters("SERVICE_FAIT", "MANDATEE", NOW, "ville")
    life.happens(example(DelayAtRisk, "minimal", tenant="ville"), NOW, "ville")
    known: dict[str, Journey] = {}
    sums = count(life.events, known)
    assert not known
    live = {(key.tenant, key.stage): n for key, n in sums.stages.items() if key.size == LIVE}
    expected = {("*", "status"): 1, ("ville", "status"): 1, ("*", "at_risk"): 1, ("ville", "at_risk"): 1}
    assert live == expected


def test_a_flow_with_rejections_counts_as_one_and_is_no_invoice() -> None:
    life = Life("7d4f0f63-1111-4222-8333-444455556666", "ville")
    counts = FlowCounts(integrated=2, rejected=1)
    life.happens(example(FlowFinished, "minimal", state="IN_INTEGRE_PARTIEL", counts=counts), NOW)
    known: dict[str, Journey] = {}
    sums = count(life.events, known)
    assert {key.stage for key in sums.stages} == {"flow", "flow_rejected"}
    assert {key.tenant for key in sums.stages} == {"*"}
    assert not known


def test_values_are_remembered_as_digests_only() -> None:
    life = Life("7d4f0f63-1111-4222-8333-444455556666", "ville")
    life.happens(example(DocumentReceived, "minimal"), NOW)
    life.happens(example(DocumentRead, "full"), NOW)
    life.happens(example(DepositRefused, "minimal"), NOW)
    known: dict[str, Journey] = {}
    count(life.events, known)
    [journey] = known.values()
    number = next(field.value for field in example(DocumentRead, "full").fields if field.name == "invoice_number")
    assert journey.read
    assert number not in str(journey)
    assert journey.done


def test_status_changes_are_events_of_the_tenant_that_they_name() -> None:
    life = Life("7d4f0f63-1111-4222-8333-444455556666", "ville")
    life.happens(example(StatusChanged, "minimal", tenant="autre"), NOW, None)
    sums = count(life.events, {})
    assert {key.tenant for key in sums.stages} == {"*", "autre"}
