"""Take pictures of every page for docs/: `python -m tests.pictured.screenshots [FOLDER]`. Takes about three minutes.

Web and worker run as real processes, with the real embedder, checks and painter. Only the chat model is replaced, by
prepared answers (`tests/pictured/model.py`).
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Error

from tests.journeys.site import Site
from tests.pictured import conversations, walk
from tests.pictured.acts import ACTS
from tests.pictured.camera import NARROW, WIDE, Camera, open_camera
from tests.pictured.pages import CHAPTERS, PAGES, Page

ROOT = Path(__file__).resolve().parents[2]
FOLDER, TEXT = ROOT / "docs" / "pages", ROOT / "docs" / "pages.md"
EARLY = {"setup", "setup-checks", "first-answer"}  # taken during set-up
OTHERS = {"dark": (WIDE, "dark"), "phone": (NARROW, "light"), "phone-dark": (NARROW, "dark")}
SETTINGS = {
    "LLM_BACKEND": "tests.pictured.model.PreparedChat", "LLM_URL": "http://127.0.0.1:1/v1", "LLM_MODEL": "Prepared",
    "IMAGE_BACKEND": "", "IMAGE_MODEL": "", "EMBED_THREADS": "0", "TITLES": "0", "REWRITE": "0",
    "REVIEW_SECOND_PERCENT": "0", "HF_HUB_OFFLINE": "1",
}  # fmt: skip
HEAD = """# Every page

A walk through Openbook, taken by `python -m tests.pictured.screenshots` from a running site. The housing cooperative,
its members and their documents are invented. Prepared answers take the place of a model; everything else (search,
citations, checks, pictures, figures) was computed by the product. Six pages are also shown in dark mode and on a
phone.
"""


def files(page: Page) -> list[str]:
    """Return the file names of the page's pictures, the one that the text shows first."""
    return [f"{page.name}.webp", *(f"{page.name}-{kind}.webp" for kind in OTHERS if page.main)]


def text() -> str:
    """Return the content of docs/pages.md."""
    parts = [HEAD]
    for chapter, pages in CHAPTERS.items():
        parts.append(f"## {chapter}\n")
        for page in pages:
            first, *others = files(page)
            links = [f"[{kind.replace('-', ', ')}](pages/{file})" for kind, file in zip(OTHERS, others, strict=False)]
            also = f" ({' · '.join(links)})" if links else ""
            parts.append(f"### {page.title}\n\n{page.line}{also}\n\n![{page.title}](pages/{first})\n")
    return "\n".join(parts)


def take(camera: Camera, page: Page, known: dict[str, str], folder: Path) -> bool:
    """Take all pictures of a page. Return False and print the error if the page is not as the table says."""
    try:
        pictured(camera, page, known, folder)
    except Error as error:
        print(f"{page.name}: {error}", flush=True)
        return False
    return True


def pictured(camera: Camera, page: Page, known: dict[str, str], folder: Path) -> None:
    """Take all pictures of a page."""
    for file, (width, scheme) in zip(files(page), ((WIDE, "light"), *OTHERS.values()), strict=False):
        camera.keep(opened(camera, page, known, width, scheme), folder / file)


def opened(camera: Camera, page: Page, known: dict[str, str], width: int, scheme: str) -> Any:
    """Open the page, do its action, and return it ready for a screenshot."""
    view = camera.page(page.person, width, scheme)
    view.drawn = known["file"]
    view.goto(camera.url + page.address.format_map(known))
    if view.locator("[data-chat]").count():
        view.locator("[data-chat][data-ready]").wait_for()
    if page.name in ACTS:
        ACTS[page.name](view)
    return view


@contextmanager
def started(root: Path) -> Iterator[Site]:
    """Run a fresh site with its data in that folder."""
    site = Site(root / "data", settings={**SETTINGS, "SYNC_DIR": f"{root}/server"})
    site.directory.mkdir()
    conversations.folder(root / "server")
    site.prepare()
    with site.serving():
        yield site


def prepare(site: Site, camera: Camera, folder: Path, say: Any) -> dict[str, str]:
    """Set the site up and fill it. Return the values for the URLs of the table."""
    known = {"first": walk.set_up(camera, folder)}
    say("set up")
    for verb in ("people", "library"):
        site.seed(verb, module="tests.pictured.seed")
    walk.settled(site)
    say("documents are read")
    for verb in ("habits", "helpers", "golden"):
        site.seed(verb, module="tests.pictured.seed")
    known |= walk.talk(camera)
    say("talked")
    for verb in ("review", "tidy"):
        known |= dict(line.split("=", 1) for line in site.seed(verb, module="tests.pictured.seed").split())
    walk.settled(site)
    known |= {name: walk.address(site, name) for name in walk.ADDRESSES}
    picture = site.rows("select file from images_picture where status = 'ready' order by created")[0][0]
    return {**known, "file": str(site.directory / "files" / picture)}


def main(folder: Path) -> None:
    """Take all pictures, and write docs/pages.md if they go to docs/."""
    begun, missed = time.monotonic(), list[str]()

    def say(what: str) -> None:
        print(f"{time.monotonic() - begun:4.0f} s  {what}", flush=True)

    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.webp"):
        old.unlink()
    with (
        tempfile.TemporaryDirectory(prefix="openbook-pictured-") as root,
        started(Path(root)) as site,
        open_camera(site.url) as camera,
    ):
        say("started")
        known = prepare(site, camera, folder, say)
        say("everything is there")
        for page in PAGES:
            if page.name not in EARLY and not take(camera, page, known, folder):
                missed.append(page.name)
    if folder == FOLDER:
        TEXT.write_text(text())
    size = sum(file.stat().st_size for file in folder.iterdir())
    if missed:
        raise SystemExit(f"not pictured: {', '.join(missed)}")
    say(f"{len(list(folder.iterdir()))} pictures, {size / 1e6:.1f} MB, in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
