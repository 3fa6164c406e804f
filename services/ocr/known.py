"""Which recipients a reader knows: a SIRET of the directory is a surer one, and its orders have a shape."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from invoice.directory import NumberFormat
from invoice.directory_file import parse
from invoice.references import fits

#: Per SIRET the shapes of the body's engagement numbers; none where it has published none.
Shapes = Mapping[str, tuple[NumberFormat, ...]]

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(dict[str, tuple[NumberFormat, ...]]).decode


class Known:
    """The public structures of the directory, as far as reading a page needs them."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes

    def __call__(self, siret: str) -> bool:
        """Whether a SIRET is that of a public structure."""
        return siret in self._shapes

    def fits_engagement(self, siret: str) -> Callable[[str], bool] | None:
        """Whether a number has the shape of this body's engagements; None where no shape is known."""
        formats = self._shapes.get(siret, ())
        return (lambda value: fits(formats, value)) if formats else None


def packed(shapes: Shapes) -> bytes:
    """What a reader process is told."""
    return _encode(shapes)


def known_from(pack: bytes) -> Known:
    """What :func:`packed` made. Raises :class:`msgspec.DecodeError`."""
    return Known(_decode(pack))


def pack_of_file(file: bytes) -> bytes:
    """The structures of a directory file. Raises :class:`invoice.directory_file.InvalidDirectory`."""
    return packed({structure.siret: structure.engagement_formats for structure in parse(file).structures})
