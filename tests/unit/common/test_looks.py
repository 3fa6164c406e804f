"""Who looks by a command, and why: what is taken for a name and a reason."""

import pytest

from services.common.looks_by_command import Unexplained, asked


def test_a_name_and_a_reason_are_each_one_line_and_no_account_is_called_so() -> None:
    look = asked("  Camille\x1b[2J\nMartin ", "Réclamation\t4711", "a command")
    assert (look.subject, look.reason, look.what) == ("commande:Camille [2J Martin", "Réclamation 4711", "a command")


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        (None, "Réclamation 4711"),
        ("", "Réclamation 4711"),
        ("\n", "Réclamation 4711"),
        ("x" * 101, "Réclamation 4711"),
        ("Camille", None),
        ("Camille", "trop bref"),
        ("Camille", ".\n\n\n\n\n\n\n\n\n."),
        ("Camille", "x" * 501),
    ],
)
def test_without_them_nothing_is_shown_and_the_words_say_what_to_write(by: str | None, reason: str | None) -> None:
    with pytest.raises(Unexplained, match=r"--by .* --reason"):
        asked(by, reason, "a command")
