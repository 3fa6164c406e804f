"""Which events of an invoice's life ingest reads: those that say that it was rejected, or is so no longer."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from contracts.events import BY_TYPE, Payload, StatusChanged
from contracts.registry import TOPICS
from services.ingest.rejections import REJECTED, of_no_use

EXAMPLES = Path(__file__).resolve().parents[3] / "contracts/examples"
LIFE = next(topic for topic in TOPICS if topic.name == "chorale.lifecycle.v1")


def examples(kind: type[Payload]) -> Sequence[Payload]:
    folder = EXAMPLES / f"{kind.TYPE}"
    return [msgspec.json.decode(path.read_bytes(), type=kind) for path in sorted(folder.glob("*.json"))]


def change(before: str | None, after: str) -> StatusChanged:
    given = next(iter(examples(StatusChanged)))
    assert isinstance(given, StatusChanged)
    return msgspec.structs.replace(given, status_from=before, status_to=after)


@pytest.mark.parametrize("status", sorted(REJECTED))
def test_a_rejection_and_its_end_are_read(status: str) -> None:
    assert not of_no_use(change("MISE_A_DISPOSITION", status))
    assert not of_no_use(change(status, "DEPOSEE"))


def test_every_other_event_of_a_life_is_skipped() -> None:
    others = [kind for kind in LIFE.events if kind is not StatusChanged]
    assert others
    for kind in others:
        found = examples(kind)
        assert found, kind.TYPE
        assert all(of_no_use(data) for data in found)
    assert of_no_use(change("DEPOSEE", "MISE_A_DISPOSITION"))
    assert of_no_use(change(None, "DEPOSEE"))


def test_what_other_topics_bring_is_read() -> None:
    for kind in BY_TYPE.values():
        if kind not in LIFE.events:
            assert not any(of_no_use(data) for data in examples(kind))
