"""docs/openapi.json: the document that a controller serves at /openapi.json.

`python tools/openapi.py` stores it, `--check` tells what a new one would change and ends with status 1 if anything.
Nothing is started and no Redis is needed: the document follows from the routes and models alone.
"""

from __future__ import annotations

import argparse
import base64
import difflib
import json
import sys
from pathlib import Path

from netpulse_broker.api.openapi import document
from netpulse_broker.api.server import whole_app
from netpulse_broker.dispatch.dispatcher import Dispatcher
from netpulse_broker.dispatch.schedulers import SCHEDULERS
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.settings import Settings
from netpulse_drivers.registry import DriverRegistry

STORED = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"


def served() -> str:
    """The document as it is stored: indented, with a line feed at the end."""
    key = base64.urlsafe_b64encode(bytes(32)).decode()
    settings = Settings(
        redis={"url": "redis://127.0.0.1:1/0"}, security={"api_key": "not-in-the-document", "master_key": key}
    )
    sealer = Sealer.from_text([key])
    dispatcher = Dispatcher(settings, sealer, SCHEDULERS[settings.dispatch.scheduler], controller="documentation")
    app = whole_app(settings, dispatcher, sealer, drivers=DriverRegistry())
    return json.dumps(document(app), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Store it, or compare."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--check", action="store_true", help="write nothing; status 1 if the stored one differs")
    arguments = options.parse_args()
    old, new = STORED.read_text() if STORED.exists() else "", served()
    if not arguments.check:
        STORED.write_text(new)
        print(f"{STORED}: {'as it was' if old == new else 'stored'}")
        return 0
    if old == new:
        return 0
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "stored", "served"))
    print("docs/openapi.json is not what a controller serves; `make openapi` stores the new one", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
