"""Where the answers on dropped files go: no two files share one, and every one can be written."""

import pytest

from services.ingest.dropfolder import answer_key

IN = "drop/edi-7/in/"


def test_an_answer_lies_in_the_subfolder_of_its_file() -> None:
    assert answer_key("edi-7", f"{IN}mars.zip") == "drop/edi-7/out/mars.zip"
    assert answer_key("edi-7", f"{IN}lot 1/mars.zip") == "drop/edi-7/out/lot 1/mars.zip"
    assert answer_key("edi-7", f"{IN}lot 2/mars.zip") == "drop/edi-7/out/lot 2/mars.zip"


@pytest.mark.parametrize("name", ["é" * 120 + ".zip", "/".join(["a" * 190] * 5) + "/mars.zip", "x" * 250])
def test_a_name_too_long_for_what_is_put_behind_it_is_cut_and_stays_its_own(name: str) -> None:
    one, other = answer_key("edi-7", IN + name), answer_key("edi-7", f"{IN}b{name[1:]}")
    assert one != other
    for key in (one, other):
        assert len(f"{key}.rapport.json".encode()) <= 1024
        assert all(len(part.encode()) <= 255 for part in f"{key}.rapport.json".split("/"))
