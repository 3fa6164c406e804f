"""What somebody sent is given back as a file to be kept, never as a page."""

from urllib.parse import quote


def download_headers(name: str, version: str | None = None) -> dict[str, str]:
    """Headers of somebody's upload: downloaded under its name, never sniffed, run or kept by a shared cache.

    ``version``: what names this content, its SHA-256 as a rule.
    """
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    coded = quote(name, safe="", errors="replace")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        **({} if version is None else {"ETag": f'"{version}"'}),
    }
