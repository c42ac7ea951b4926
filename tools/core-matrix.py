#!/usr/bin/env python3
"""Run the parity suite's short form with several releases of ansible-core and print what came of it.

    python tools/core-matrix.py                  all of the matrix, as `make matrix` does
    python tools/core-matrix.py --only 2.18      one row

Each release gets a virtual environment with PyPI's `ansible` package of the same time, ansible-pylibssh and, if
it has a paramiko column, paramiko. They are kept under `--folder` and used again. Interpreters come from PATH and from
pyenv's versions. A row without its interpreter is left out and named; that is no failure. Exit status 1: something
differed, failed or could not be installed.

Run it with the interpreter of an environment that can run the tests (extras `embedded` and `dev`).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SUITE = "tests/parity/test_simulated.py"
LIMIT = 900
"""Seconds after which an installation or a run has hung."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One release of ansible-core.

    Attributes:
        core: its series; None: the newest that there is.
        pythons: the first of these that is installed is taken.
        libraries: of stock network_cli, one column each. ansible-core has no paramiko connection after 2.19's time.
    """

    core: str | None
    pythons: tuple[str, ...]
    libraries: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.core or "newest"

    def packages(self) -> list[str]:
        """What pip is asked for; it finds the `ansible` package that goes with this core."""
        core = [f"ansible-core=={self.core}.*"] if self.core else []
        # netcommon of that time reads a class of paramiko that release 4 has no more.
        paramiko = ["paramiko<4"] if "paramiko" in self.libraries else []
        return [*core, "ansible", "ansible-pylibssh", *paramiko]


MATRIX = (
    Row(core="2.17", pythons=("3.11",), libraries=("libssh", "paramiko")),
    Row(core="2.18", pythons=("3.11",), libraries=("libssh", "paramiko")),
    Row(core="2.19", pythons=("3.11",), libraries=("libssh", "paramiko")),
    Row(core=None, pythons=("3.13", "3.12"), libraries=("libssh",)),
)
COLUMNS = ("libssh", "paramiko")


def interpreter(version: str) -> Path | None:
    """A Python of this version that can make virtual environments, or None."""
    for place in _places(version):
        done = subprocess.run([str(place), "-c", "import venv, ensurepip"], capture_output=True, check=False)
        if done.returncode == 0:
            return place
    return None


def _places(version: str) -> Iterator[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    if found := shutil.which(f"python{version}"):
        yield Path(found)


def environment(row: Row, python: Path, folder: Path) -> Path:
    """The row's virtual environment, made when it is not there whole.

    Raises:
        subprocess.CalledProcessError: pip's words are in its ``stdout``.
    """
    place = folder / f"core-{row.name}-py{python.name.removeprefix('python')}"
    done = place / ".installed"
    wanted = "\n".join(row.packages())
    if done.exists() and done.read_text() == wanted:
        return place
    _tell(f"installing {', '.join(row.packages())} with {python}")
    _call([str(python), "-m", "venv", "--clear", str(place)])
    _call([str(place / "bin" / "pip"), "install", "--quiet", *row.packages()])
    done.write_text(wanted)
    return place


def _call(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT)


def releases(place: Path) -> dict[str, str]:
    """The installed releases that the table names."""
    core, community = (
        _output([str(place / "bin" / "python"), "-c", f"import importlib.metadata as m; print(m.version('{name}'))"])
        for name in ("ansible-core", "ansible")
    )
    return {"core": core, "ansible": community, "python": _output([str(place / "bin" / "python"), "-V"]).split()[1]}


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def compare(place: Path, library: str) -> tuple[bool, str]:
    """Run the short form; whether all is the same, and the table's cell."""
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", SUITE],
        cwd=REPOSITORY,
        env=os.environ
        | {
            "NETPULSE_VENDOR_ANSIBLE": str(place),
            "NETPULSE_PARITY": "short",
            "NETPULSE_STOCK_SSH": library,
            # A missing collection is a failure here, as it is in CI.
            "CI": "true",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    last = run.stdout.strip().splitlines()[-1] if run.stdout.strip() else "said nothing"
    passed = re.search(r"(\d+) passed", last)
    good = run.returncode == 0 and passed is not None
    if not good:
        print(run.stdout, flush=True)
    same = f"{passed[1]} same" if good and passed else f"FAILED: {last.strip('= ')}"
    return good, f"{same}, {time.monotonic() - began:.0f} s" if good else same


def _tell(text: str) -> None:
    print(f"core-matrix: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".venv" / "matrix", help="of the environments")
    parser.add_argument("--only", choices=[row.name for row in MATRIX], action="append", help="these rows")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    table, left_out, failed = [["ansible-core", "ansible", "Python", *COLUMNS]], [], False
    for row in MATRIX:
        if options.only and row.name not in options.only:
            continue
        python = next((found for version in row.pythons if (found := interpreter(version))), None)
        if python is None:
            left_out.append(
                f"ansible-core {row.name}: no Python {' or '.join(row.pythons)} with venv and ensurepip here; "
                f"install it so that python{row.pythons[0]} is on PATH or below ~/.pyenv/versions, and run this again"
            )
            continue
        try:
            place = environment(row, python, folder)
        except subprocess.CalledProcessError as error:
            print(error.stdout, flush=True)
            table.append([row.name, "", python.name, *["FAILED: not installed"] * len(COLUMNS)])
            failed = True
            continue
        cells = []
        for library in COLUMNS:
            if library not in row.libraries:
                cells.append("")
                continue
            _tell(f"ansible-core {row.name}, stock network_cli over {library}")
            good, cell = compare(place, library)
            failed |= not good
            cells.append(cell)
        table.append([*releases(place).values(), *cells])
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    table.insert(1, ["-" * width for width in widths])
    for cells in table:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |")
    for line in left_out:
        print(f"left out: {line}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
