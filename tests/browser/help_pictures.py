"""The pictures of the help, from those of ``make screens``: ``python -m tests.browser.help_pictures [WORD]``.

Of each page its upper part is taken, made smaller and packed, so that a page of the help stays light. A picture whose
page has not been taken yet keeps what it has; the help leaves out what is not there.
"""

import sys
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from deploy.servers.workspace import ROOT
from tests.browser.screens import FOLDER

TARGET: Final = ROOT / "services" / "portal" / "static" / "help"
#: Name in the help, name in tests/browser/every_page.py, share of the page's width that is kept as height.
PICTURES: Final[dict[str, tuple[str, float]]] = {
    "inscription": ("inscription", 0.75),
    "deposer": ("deposer", 0.75),
    "brouillon": ("brouillon", 0.75),
    "saisir": ("saisir", 0.6),
    "numerise": ("brouillon-numerise", 0.75),
    "flux": ("flux-un", 0.75),
    "pieces": ("brouillon-pieces", 0.75),
    "emises": ("factures-emises-synthese", 0.65),
    "facture": ("facture", 0.9),
    "a-valider": ("factures-a-valider-synthese", 0.6),
    "travaux": ("factures-travaux-synthese", 0.6),
    "recues": ("factures-recues-synthese", 0.65),
    "facture-recue": ("facture-organisme", 0.9),
    "suspendue": ("facture-suspendue", 0.9),
    "essayer": ("essayer", 0.6),
    "logiciel": ("structure-logiciel", 0.75),
    "gestion": ("gestion", 0.75),
    "supervision": ("supervision", 0.9),
    "question": ("sollicitation-nouvelle", 0.9),
    "fiche": ("annuaire-fiche", 0.75),
}
WIDTH: Final = 800
#: Two pictures and their page stay below what any page may weigh.
HEAVIEST: Final = 45_000


def main(arguments: list[str]) -> int:
    """Make them; ``WORD`` only those whose name has it."""
    TARGET.mkdir(parents=True, exist_ok=True)
    missing = []
    for name, (page, share) in PICTURES.items():
        taken = FOLDER / f"{page}-1280-light.png"
        if not all(word in name for word in arguments):
            continue
        if taken.is_file():
            (TARGET / f"{name}.webp").write_bytes(packed(taken, share))
        else:
            missing.append(page)
    if missing:
        print(f"Not taken yet (make screens): {', '.join(missing)}", file=sys.stderr)
    return 0


def packed(taken: Path, share: float) -> bytes:
    """The upper part of a picture as WebP, as sharp as its weight allows."""
    with Image.open(taken) as opened:
        whole = opened.convert("RGB")
    part = whole.crop((0, 0, whole.width, min(whole.height, round(whole.width * share))))
    small = part.resize((WIDTH, round(part.height * WIDTH / part.width)), Image.Resampling.LANCZOS)
    for quality in (70, 55, 40, 25):
        found = webp(small, quality)
        if len(found) <= HEAVIEST:
            return found
    raise ValueError(f"{taken.name} stays heavier than {HEAVIEST} bytes")


def webp(picture: Image.Image, quality: int) -> bytes:
    """A picture as WebP."""
    target = BytesIO()
    picture.save(target, "WEBP", quality=quality, method=6)
    return target.getvalue()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
