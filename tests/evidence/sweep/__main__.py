"""``python -m tests.evidence.sweep``: sweep all types, write docs/sweep.md, print the sums."""

from __future__ import annotations

import logging
from pathlib import Path

from tests.evidence.sweep.run import page, sums, sweep

PAGE = Path(__file__).resolve().parents[3] / "docs" / "sweep.md"


def main() -> None:
    """The command."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # clients that give up cut their connections
    pairs = sweep()
    PAGE.write_text(page(pairs))
    print(sums(pairs))


if __name__ == "__main__":
    main()
