"""A passage where it stands: the image of its page with the passage boxed, or the text with the passage marked.

Images are rendered in the killable child and kept on disk by content, page, width and renderer. The key names no
person: callers have asked who reads before they come here, at every opening.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson
from django.conf import settings

from apps.documents import sandbox
from apps.documents.marked import Block, blocks, window
from apps.documents.models import Chunk, Document, Page
from apps.documents.parsers.base import Unreadable

RENDERER = 1  # grows whenever the same page would be drawn otherwise
WIDTHS = (800, 1200, 1800)  # pixels; a fixed few, so that addresses cannot fill the disk
SPANS = 60  # of one passage
AROUND = 1500  # characters of text shown before and after a passage in the panel
CACHE_BYTES = 512 * 1024**2
_TRIM_EVERY = 64  # writes
_WAIT_S = 20
_renders = threading.BoundedSemaphore(2)  # children at once; the page is one of several things this machine does
_writes = 0

Spans = list[tuple[int, int]]


class NotShown(Exception):
    """The image of a page cannot be had; the message is for the reader."""


@dataclass(frozen=True, slots=True)
class Image:
    """`boxes` are left, top, width, height in thousandths of the page, fit for the view box of an SVG."""

    width: int
    height: int
    boxes: list[tuple[float, float, float, float]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as a reader sees it: an image, or blocks of text and, where an image was expected, why there is none."""

    document: Document
    number: int
    last: int
    spans: str
    heading: str
    image: Image | None
    blocks: list[Block]
    before: bool  # text stands before the blocks ...
    after: bool  # ... and after them
    problem: str

    @property
    def place(self) -> str:
        if self.document.has_pages:
            return f"Page {self.number} of {self.last}"
        return f"Part {self.number} of {self.last}" if self.last > 1 else ""

    @property
    def previous(self) -> int:
        return self.number - 1

    @property
    def following(self) -> int:
        return self.number + 1 if self.number < self.last else 0


def spans_of(raw: str) -> Spans:
    """Spans from "a-b,c-d"; what is no span is left out."""
    found: Spans = []
    for part in raw[:2000].split(",")[:SPANS]:
        start, _, end = part.partition("-")
        if start.isascii() and end.isascii() and start.isdigit() and end.isdigit() and int(start) < int(end) < 2**31:
            found.append((int(start), int(end)))
    return found


def show(document: Document, number: int, raw_spans: str, *, around: int = 0) -> Shown:
    """One page with a passage of it; a number beyond the document shows its nearest page."""
    last = max(1, document.pages_count)
    number = min(max(1, number), last)
    spans = spans_of(raw_spans)
    image, problem = None, ""
    if document.has_pages:
        try:
            image = image_of(document, number, WIDTHS[1], spans)
        except NotShown as error:
            problem = str(error)
    text = (
        ""
        if image
        else Page.objects.filter(document=document, number=number).values_list("text", flat=True).first() or ""
    )
    start, end = window(text, spans, around) if around else (0, len(text))
    lines = [] if image else blocks(text, spans, _headings(document, number), start, end)
    kept = ",".join(f"{a}-{b}" for a, b in spans)
    heading = _heading(document, number, spans)
    return Shown(document, number, last, kept, heading, image, lines, start > 0, end < len(text), problem)


def _heading(document: Document, number: int, spans: Spans) -> str:
    if not spans:
        return ""
    found = Chunk.objects.filter(document=document, page_number=number, char_end__gt=spans[0][0]).order_by("char_start")
    return found.values_list("heading", flat=True).first() or ""


def _headings(document: Document, number: int) -> set[str]:
    """Lines of the page that are headings; the chunks below them know their path."""
    paths = Chunk.objects.filter(document=document, page_number=number).values_list("heading", flat=True).distinct()
    return {part for path in paths for part in path.split(" › ") if part}


def image_of(document: Document, number: int, width: int, spans: Spans) -> Image:
    """Size and boxes of a page; afterwards its image is on disk too. Raises NotShown."""
    key = hashlib.sha256(repr(spans).encode()).hexdigest()[:24]
    kept = _folder(document.sha256) / f"{number}-{width}-{key}-v{RENDERER}.json"
    try:
        return _image(orjson.loads(kept.read_bytes()))
    except FileNotFoundError:
        found = _render(document, number, width, spans)
    facts = {"width": found.width, "height": found.height, "boxes": found.boxes}
    _keep(_png(document.sha256, number, width), found.png)
    _keep(kept, orjson.dumps(facts))
    return _image(facts)


def png_of(document: Document, number: int, width: int) -> bytes:
    """The image of a page. Raises NotShown."""
    path = _png(document.sha256, number, width)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        found = _render(document, number, width, [])
    _keep(path, found.png)
    return found.png


def nearest_width(wanted: int) -> int:
    return next((width for width in WIDTHS if width >= wanted), WIDTHS[-1])


def forget(hashes: Iterable[str]) -> None:
    """Images of content that no document holds any more are gone."""
    gone = set(hashes)
    gone -= set(Document.objects.filter(sha256__in=gone).values_list("sha256", flat=True))
    for sha256 in gone:
        shutil.rmtree(_folder(sha256), ignore_errors=True)


def _image(facts: dict[str, object]) -> Image:
    boxes = [tuple(round(side * 1000, 2) for side in box) for box in facts["boxes"]]  # type: ignore[attr-defined]
    return Image(int(facts["width"]), int(facts["height"]), boxes)  # type: ignore[call-overload]


def _render(document: Document, number: int, width: int, spans: Spans) -> sandbox.Rendered:
    if not _renders.acquire(timeout=_WAIT_S):
        raise NotShown("Many pages are being drawn right now. Here is the text of the page; reload for its image.")
    try:
        path = Path(settings.MEDIA_ROOT) / str(document.file)
        return sandbox.render(path, number, width, [list(span) for span in spans])
    except (Unreadable, sandbox.ReaderBroke) as error:
        raise NotShown(f"This page cannot be drawn: {error}") from error
    except FileNotFoundError as error:
        raise NotShown("The file of this document is missing on the server. Its text was kept and is shown.") from error
    finally:
        _renders.release()


def _folder(sha256: str) -> Path:
    return Path(settings.DATA_DIR) / "pages" / sha256[:2] / sha256


def _png(sha256: str, number: int, width: int) -> Path:
    return _folder(sha256) / f"{number}-{width}-v{RENDERER}.png"


def _keep(path: Path, content: bytes) -> None:
    """The content is under its name, whole, whoever else writes it now."""
    global _writes
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    beside.write_bytes(content)
    beside.replace(path)
    _writes += 1
    if _writes % _TRIM_EVERY == 1:
        trim(Path(settings.DATA_DIR) / "pages")


def trim(folder: Path, limit: int = CACHE_BYTES) -> None:
    """The oldest images give way until the folder holds no more than `limit`."""
    files = [(stat.st_mtime, stat.st_size, path) for path in folder.rglob("*.*") if (stat := _stat(path))]
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit:
            return
        path.unlink(missing_ok=True)
        total -= size


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat() if path.is_file() else None
    except FileNotFoundError:
        return None
