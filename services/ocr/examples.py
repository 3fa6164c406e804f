"""Examples of the main answers, for the API's description."""

from typing import Any, Final

_ID = "0190e8a0-0000-7000-8000-000000000042"
EXAMPLES: Final[dict[str, Any]] = {
    "GET /api/v1/pages/{document}/index": {
        "pages": [{"number": 1, "width": 595.28, "height": 841.89, "pixels": [1240, 1754]}],
        "source": "text",
        "template": f"/api/v1/pages/{_ID}/{{n}}.png?expires=1772444700&holder=…&signature=…",
    },
}
