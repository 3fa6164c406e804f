"""Links that open a deposit with what the body gave, and their QR codes."""

import io
from functools import lru_cache
from urllib.parse import urlencode

import segno


def deposit_link(page: str, siret: str, service: str | None = None, engagement: str | None = None) -> str:
    """The address of the deposit page with the recipient filled in. ``page`` is the page's own address."""
    given = {"siret": siret, "service": service, "engagement": engagement}
    return f"{page}?{urlencode({name: value for name, value in given.items() if value})}"


@lru_cache(maxsize=512)
def qr_svg(link: str) -> str:
    """The link as a QR code that still reads when printed badly (a quarter may be lost)."""
    out = io.BytesIO()
    # Without a size of its own but with a viewBox: a page that gives it another size scales it, and cuts nothing off.
    code = segno.make(link, error="q", micro=False)
    code.save(out, kind="svg", xmldecl=False, svgns=True, scale=4, border=4, omitsize=True)
    return out.getvalue().decode()
