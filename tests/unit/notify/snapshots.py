"""Every message as it reads, in one file: ``python -m tests.unit.notify.snapshots`` writes it again."""

from pathlib import Path
from typing import Final

from services.notify.domain import Language
from services.notify.letter_examples import NAMES, example

FILE: Final = Path(__file__).with_name("snapshots.txt")
_LANGUAGES: Final[tuple[Language, ...]] = ("fr", "en")
#: Their HTML too: one letter, one carrier.
_MARKUP: Final = ("MISE_A_DISPOSITION/body", "DAILY")


def everything() -> str:
    """All messages in both languages."""
    parts: list[str] = []
    for name in sorted(NAMES):
        for language in _LANGUAGES:
            letter = example(name, language)
            parts.append(f"===== {name} [{language}]\n{letter.subject}\n\n{letter.text}\n")
            if name in _MARKUP:
                parts.append(f"----- HTML\n{letter.html}\n")
    return "".join(parts)


if __name__ == "__main__":
    FILE.write_text(everything(), "utf-8")
