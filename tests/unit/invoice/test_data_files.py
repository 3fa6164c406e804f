"""The data files of the domain reference are carried unchanged."""

from pathlib import Path

import pytest

from invoice import packaged

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT.parent / "shared" / "domain"
COPIED = ("lifecycle.yaml", "motifs.yaml", "keywords.yaml")


@pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the domain reference stands beside the repository only where it is developed"
)
def test_the_copies_differ_in_nothing_from_the_domain_reference() -> None:
    different = [name for name in COPIED if packaged.read(name) != (REFERENCE / name).read_bytes()]
    assert different == []


@pytest.mark.parametrize("name", COPIED)
def test_every_copy_is_readable_and_says_its_version(name: str) -> None:
    assert packaged.load(name)["version"] == 1


def test_every_motif_has_a_label_and_only_statuses_that_exist() -> None:
    statuses = {row["code"] for row in packaged.load("lifecycle.yaml")["statuses"]}
    for motif in packaged.load("motifs.yaml")["motifs"]:
        assert motif["label_fr"]
        assert set(motif["chorus"]) <= statuses, motif["code"]
