"""The ocr process, ``python -m services.ocr``; or the reader alone, ``python -m services.ocr read PATH…``."""

import sys


def run() -> None:
    """Start what the command line asks for. Neither imports what only the other needs."""
    if len(sys.argv) > 1:
        from services.ocr import cli

        raise SystemExit(cli.main(sys.argv[1:]))
    from services.common.runtime import main
    from services.ocr.compose import compose

    main(compose)


if __name__ == "__main__":
    run()
