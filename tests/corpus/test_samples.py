"""The public samples beside the project: nothing wrong, nearly everything right."""

import pytest

from tests.corpus.samples import corpus, score

SAMPLES = corpus()

pytestmark = pytest.mark.skipif(
    not (SAMPLES / "truth.jsonl").exists(), reason="the public samples are not beside the project (CHORALE_CORPUS)"
)


def test_no_sample_is_read_wrongly_and_few_values_are_missed() -> None:
    said: list[str] = []
    tally = score(SAMPLES, explain=said)
    assert [line for line in said if line.startswith("wrong")] == []
    assert tally.over().share("right") >= 0.985
