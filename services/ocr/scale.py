"""How large a page is drawn. Pure."""

import math
from typing import Final

DPI: Final = 120.0
MAX_PIXELS: Final = 4_500_000  # A3 at 150 dpi; a larger page is drawn smaller
MAX_SIDE: Final = 10_000
_POINTS_PER_INCH: Final = 72.0


def scale(size: tuple[float, float], dpi: float = DPI) -> tuple[int, int]:
    """Width and height in pixels of a page of this size in points, at ``dpi`` or, if that is too many, less."""
    width, height = (max(1.0, side) for side in size)
    factor = dpi / _POINTS_PER_INCH
    factor = min(factor, math.sqrt(MAX_PIXELS / (width * height)), MAX_SIDE / max(width, height))
    return max(1, math.floor(width * factor)), max(1, math.floor(height * factor))
