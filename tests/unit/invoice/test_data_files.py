"""The data files of the domain reference: what is carried unchanged, and what the product adds."""

from pathlib import Path

import pytest
import yaml

from invoice import packaged

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT.parent / "shared" / "domain"
COPIED = ("lifecycle.yaml", "motifs.yaml", "keywords.yaml")
#: What stands below the copy, key by key: the product's own (docs/decisions/0022). Nothing of the copy is changed.
ADDED = {
    "lifecycle.yaml": {
        "turns",
        "turn_labels",
        "clock_effects",
        "more_transitions",
        "barred",
        "comment_required",
        "afnor_decided",
        "afnor_by_cadre",
    },
    "motifs.yaml": {"offered_more", "offered_by_cadre"},
    "keywords.yaml": set(),
}
beside_the_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the domain reference stands beside the repository only where it is developed"
)


@beside_the_reference
@pytest.mark.parametrize("name", COPIED)
def test_a_copy_begins_with_the_reference_byte_for_byte(name: str) -> None:
    assert packaged.read(name).startswith((REFERENCE / name).read_bytes())


@beside_the_reference
@pytest.mark.parametrize("name", COPIED)
def test_a_copy_differs_from_the_reference_by_the_listed_additions_and_by_nothing_else(name: str) -> None:
    ours, theirs = packaged.load(name), yaml.safe_load((REFERENCE / name).read_text(encoding="utf-8"))
    assert set(ours) - set(theirs) == ADDED[name]
    assert {key: ours[key] for key in theirs} == theirs


@pytest.mark.parametrize("name", COPIED)
def test_every_copy_is_readable_and_says_its_version(name: str) -> None:
    assert packaged.load(name)["version"] == 1


def test_every_motif_has_a_label_and_only_statuses_that_exist() -> None:
    statuses = {row["code"] for row in packaged.load("lifecycle.yaml")["statuses"]}
    for motif in packaged.load("motifs.yaml")["motifs"]:
        assert motif["label_fr"]
        assert set(motif["chorus"]) <= statuses, motif["code"]
