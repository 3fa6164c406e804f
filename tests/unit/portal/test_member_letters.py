"""The letters about structures and memberships have words, in both languages, and are given all that these use."""

import re
from pathlib import Path

import pytest

from services.notify.letters import names_in
from services.notify.matrix import RULES

_CODE = Path(__file__).resolve().parents[3] / "services" / "portal"
#: What is given beside the structure's name (``about``) and the day.
GIVEN = {
    "RATTACHEMENT_ASKED": set(),
    "RATTACHEMENT_TO_DECIDE": set(),
    "RATTACHEMENT_REMINDER": {"days"},
    "RATTACHEMENT_GRANTED": set(),
    "RATTACHEMENT_REFUSED": {"reason"},
    "RATTACHEMENT_EXPIRED": set(),
    "INVITATION": {"until"},
    "DELEGATION_GIVEN": {"since", "until"},
    "PROOF_APPROVED": set(),
    "PROOF_REFUSED": {"reason"},
    "STRUCTURE_MOVE_ASKED": {"successor"},
    "STRUCTURE_MOVE_REFUSED": {"successor", "reason"},
    "STRUCTURE_MOVED": {"successor"},
}


def test_these_are_the_letters_that_are_written() -> None:
    files = [*_CODE.glob("member_*.py"), *_CODE.glob("structure_*.py"), _CODE / "delegation.py", _CODE / "proof.py"]
    text = "".join(path.read_text("utf-8") for path in files)
    told = set(re.findall(r'scene\.tell\(\s*"([A-Z_]+)"', text)) | set(re.findall(r'self\.conn,\s*"([A-Z_]+)"', text))
    assert told == GIVEN.keys()


@pytest.mark.parametrize("kind", sorted(GIVEN))
def test_a_letter_is_given_all_its_words(kind: str) -> None:
    assert any(rule.account for rule in RULES[kind])
    assert names_in(kind, "person") <= GIVEN[kind] | {"about", "day"}
