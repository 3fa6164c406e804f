"""Whose turn it is: equal shares, bounds that hold for each alone, and nobody who waits for ever."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.flow_lanes import Bounds, Unsent, shares

NONE = Unsent(0, {}, {})
BOUNDS = Bounds(batch=100, depositor=500, tenant=700)
NAMES = st.sampled_from("abcdefgh")
LANES = st.dictionaries(NAMES, st.lists(NAMES, min_size=1, unique=True), max_size=6)


def test_depositors_share_equally_and_each_among_his_tenants() -> None:
    found = shares({"great": ["cd06", "cd13"], "small": ["cd06"]}, NONE, BOUNDS, 0)
    assert found == {"great": {"cd06": 25, "cd13": 25}, "small": {"cd06": 50}}


def test_whoever_has_too_much_unsent_waits_and_nobody_else() -> None:
    lanes = {"great": ["cd06"], "small": ["cd06", "cd13"]}
    assert shares(lanes, Unsent(500, {"great": 500}, {}), BOUNDS, 0) == {
        "great": {},
        "small": {"cd06": 25, "cd13": 25},
    }
    full = Unsent(700, {}, {"cd06": 700})
    assert shares(lanes, full, BOUNDS, 0) == {"great": {}, "small": {"cd13": 50}}, "what one may not take others get"


def test_those_who_find_no_room_are_first_in_the_next_round() -> None:
    lanes = {name: ["cd06"] for name in "abcd"}
    narrow = Bounds(batch=4, depositor=500, tenant=1)
    served = [next(name for name, share in shares(lanes, NONE, narrow, turn).items() if share) for turn in range(4)]
    assert sorted(served) == list("abcd")


@given(
    lanes=LANES,
    depositors=st.dictionaries(NAMES, st.integers(0, 60)),
    tenants=st.dictionaries(NAMES, st.integers(0, 60)),
    batch=st.integers(1, 100),
    turn=st.integers(0, 9),
)
def test_no_bound_is_ever_passed(
    lanes: dict[str, list[str]], depositors: dict[str, int], tenants: dict[str, int], batch: int, turn: int
) -> None:
    bounds = Bounds(batch, 50, 40)
    found = shares(lanes, Unsent(0, depositors, tenants), bounds, turn)
    taken: Counter[str] = Counter()
    for depositor, share in found.items():
        assert set(share) <= set(lanes[depositor])
        assert sum(share.values()) <= max(0, 50 - depositors.get(depositor, 0))
        assert sum(share.values()) <= max(1, batch // len(lanes))
        taken.update(share)
    for tenant, count in taken.items():
        assert count <= max(0, 40 - tenants.get(tenant, 0))
