"""`make dist`: everything that a release consists of, under dist/: broker, lab and collection.

With a tag (``v1.2.3``), refuses to build anything whose version is another one.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"


def versions() -> dict[str, str]:
    """The version that each part says it has."""
    found = {
        path: str(tomllib.loads((ROOT / path).read_text())["project"]["version"])
        for path in ("pyproject.toml", "lab/pyproject.toml")
    }
    found["galaxy.yml"] = str(yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"])
    return found


def main() -> int:
    """Build; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", default="", help="the tag that is released, v1.2.3")
    tag = parser.parse_args().tag
    wrong = {path: version for path, version in versions().items() if tag and f"v{version}" != tag}
    for path, version in wrong.items():
        print(f"{path} says {version}, the tag is {tag}: change the version or the tag", file=sys.stderr)
    if wrong:
        return 1
    shutil.rmtree(DIST, ignore_errors=True)
    python = [sys.executable, "-m", "build", "--quiet"]
    subprocess.run([*python, "--outdir", str(DIST / "broker"), str(ROOT)], check=True)
    subprocess.run([*python, "--outdir", str(DIST / "lab"), str(ROOT / "lab")], check=True)
    galaxy = str(Path(sys.executable).parent / "ansible-galaxy")
    output = ["--output-path", str(DIST / "collection")]
    subprocess.run([galaxy, "collection", "build", *output, str(ROOT / "collection")], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
