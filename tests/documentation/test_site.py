"""The site builds without a warning, its links lead somewhere, and a reader finds each page within two clicks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]


class _Reader(HTMLParser):
    """A page's links (those of its text apart from those around it), its anchors, and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.in_text: list[str] = []
        self.anchors: set[str] = set()
        self.loads: list[str] = []
        self._text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._text = self._text or tag == "article"
        if identity := values.get("id"):
            self.anchors.add(identity)
        if tag == "a" and (target := values.get("href")):
            self.links.append(target)
            if self._text:
                self.in_text.append(target)
        if tag in {"script", "img", "iframe"} and (source := values.get("src")):
            self.loads.append(source)
        if tag == "link" and values.get("rel") in {"stylesheet", "icon", "preload"}:
            self.loads.append(values.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._text = False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, _Reader]:
    """The pages of the site, built without a warning."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    pages: dict[Path, _Reader] = {}
    for path in sorted(folder.rglob("*.html")):
        if path.name != "404.html":
            pages[path] = _Reader()
            pages[path].feed(path.read_text())
    return pages


def _target(page: Path, link: str) -> tuple[Path, str] | None:
    """The file and the anchor that a link of a page leads to; None outside the site."""
    address, anchor = urldefrag(link)
    if urlsplit(address).scheme or address.startswith("//"):
        return None
    return ((page.parent / unquote(address)).resolve() if address else page), unquote(anchor)


def test_every_page_of_the_docs_is_in_the_site(site: dict[Path, _Reader]) -> None:
    pages = {path.with_suffix("").name for path in site}
    assert {path.stem for path in (ROOT / "docs").rglob("*.md")} <= pages


def test_every_link_leads_to_a_page_and_an_anchor(site: dict[Path, _Reader]) -> None:
    broken = []
    for page, read in site.items():
        for link in read.links:
            found = _target(page, link)
            if found is None:
                continue
            path, anchor = found
            if not path.exists() or (anchor and path in site and anchor not in site[path].anchors):
                broken.append((page.name, link))
    assert broken == []


def test_each_page_is_two_clicks_away_from_the_index(site: dict[Path, _Reader]) -> None:
    """By links in the text: the navigation beside it would make it one for any order of the pages."""
    (start,) = (path for path in site if path.name == "index.html" and path.parent.name != "decisions")
    reached, edge = {start}, {start}
    for _ in range(2):
        edge = {
            found[0]
            for page in edge
            for link in site[page].in_text
            if (found := _target(page, link)) is not None and found[0] in site
        } - reached
        reached |= edge
    assert set(site) - reached == set()


def test_the_site_loads_nothing_from_elsewhere(site: dict[Path, _Reader]) -> None:
    assert [load for read in site.values() for load in read.loads if urlsplit(load).netloc] == []


def test_links_between_the_files_of_the_repository_lead_somewhere() -> None:
    """The same files are read in the repository, where no site stands beside them."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    broken = []
    for name in filter(None, listed.stdout.split("\0")):
        text = re.sub(r"```.*?```", "", (ROOT / name).read_text(), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            address, _ = urldefrag(link)
            if address and not urlsplit(address).scheme and not (ROOT / name).parent.joinpath(address).exists():
                broken.append((name, link))
    assert broken == []
