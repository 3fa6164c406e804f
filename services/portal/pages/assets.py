"""Files that do not change while the process runs: each under a name that holds its hash, kept by browsers for good."""

import gzip
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Final

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response

PREFIX: Final = "/static/"
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webp": "image/webp",
    "woff2": "font/woff2",
}
_PACKED: Final = frozenset({"css", "js", "svg"})
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


class Asset(msgspec.Struct, frozen=True):
    """A file: as it is, and packed where that is worth it."""

    content: bytes
    packed: bytes | None
    media_type: str


class Assets:
    """Every file of ``services/portal/static``, and the pictures of the help in its folder ``help``."""

    def __init__(self) -> None:
        self._files: dict[str, Asset] = {}
        self._names: dict[str, str] = {}
        texts: dict[str, bytes] = {}
        folder = resources.files("services.portal").joinpath("static")
        for file in folder.iterdir():
            if file.name.rpartition(".")[2] in _TYPES:
                texts[file.name] = file.read_bytes()
        for file in folder.joinpath("help").iterdir():
            if file.name.endswith(".webp"):
                texts[f"help/{file.name}"] = file.read_bytes()
        # Modules name each other: those that name none come first, so that a name changes with what it leads to.
        for name in sorted(texts, key=lambda each: (each.endswith(".js") and b"import " in texts[each], each)):
            self._add(name, texts[name])

    def _add(self, name: str, content: bytes) -> None:
        stem, _, ending = name.replace("/", "-").rpartition(".")
        if ending == "js":
            for other, hashed in self._names.items():
                content = content.replace(f'"./{other}"'.encode(), f'"./{hashed}"'.encode())
        hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        packed = gzip.compress(content, 9, mtime=0) if ending in _PACKED else None
        self._names[name] = hashed
        self._files[hashed] = Asset(content, packed, _TYPES[ending])

    def url(self, name: str) -> str:
        """Where it is now. Raises ``KeyError`` for a file that is not there."""
        return PREFIX + self._names[name]

    def size(self, name: str) -> tuple[int, int]:
        """Width and height of a picture, a WebP without transparency. Raises ``KeyError``, ``ValueError``."""
        found = self._files[self._names[name]].content
        if found[12:16] != b"VP8 " or found[23:26] != b"\x9d\x01\x2a":
            raise ValueError(f"{name} is no plain WebP")
        return int.from_bytes(found[26:28], "little") & 0x3FFF, int.from_bytes(found[28:30], "little") & 0x3FFF

    @property
    def names(self) -> Mapping[str, str]:
        """Names with their hash by plain names."""
        return self._names

    def answer(self, hashed: str, request: Request) -> Response:
        """The file; an old name leads nowhere, so that nobody keeps the wrong bytes under it."""
        found = self._files.get(hashed)
        if found is None:
            return Response(status_code=404, headers={"Cache-Control": "no-store"})
        headers = {
            "Cache-Control": _FOR_GOOD,
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        }
        if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.packed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})
        return Response(found.content, media_type=found.media_type, headers=headers)


def add_routes(app: FastAPI, assets: Assets) -> None:
    """Serve them."""

    @app.get(PREFIX + "{name}", include_in_schema=False)
    async def static(name: str, request: Request) -> Response:
        return assets.answer(name, request)
