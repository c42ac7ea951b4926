"""Fetch vendor collections that the current `ansible` package does not hold any more, out of the last one that does.

    older-collections.py FOLDER

FOLDER/ansible_collections/<namespace>/<name> is theirs afterwards. Of the package only these are unpacked.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

RELEASE = "11.13.0"
COLLECTIONS = ("cisco.asa",)


def main() -> None:
    """Fetch what is not there yet."""
    target = Path(sys.argv[1])
    paths = [f"ansible_collections/{name.replace('.', '/')}/" for name in COLLECTIONS]
    if all((target / path / "MANIFEST.json").is_file() for path in paths):
        return
    with tempfile.TemporaryDirectory() as folder:
        download = [
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--dest",
            folder,
            f"ansible=={RELEASE}",
        ]
        subprocess.run([sys.executable, "-m", "pip", *download], check=True)
        (wheel,) = Path(folder).glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as package:
            package.extractall(target, [name for name in package.namelist() if name.startswith(tuple(paths))])
    for path in paths:
        if not (target / path / "MANIFEST.json").is_file():
            sys.exit(f"ansible {RELEASE} does not hold {path}")


if __name__ == "__main__":
    main()
