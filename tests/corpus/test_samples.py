"""The public samples beside the project: nothing wrong, nearly everything right."""

import pytest

from tests.corpus.evaluate import FIELDS, corpus, score

SAMPLES = corpus()

pytestmark = pytest.mark.skipif(
    not (SAMPLES / "truth.jsonl").exists(), reason="the public samples are not beside the project (CHORALE_CORPUS)"
)


def test_no_sample_is_read_wrongly_and_few_values_are_missed() -> None:
    counts, _ = score(SAMPLES, explain=False)
    assert {name: counts[name]["wrong"] + counts[name]["wrong sure"] for name in FIELDS} == dict.fromkeys(FIELDS, 0)
    right = sum(counts[name]["right"] + counts[name]["right sure"] for name in FIELDS)
    silent = sum(counts[name]["silent"] for name in FIELDS)
    assert right / (right + silent) >= 0.985
