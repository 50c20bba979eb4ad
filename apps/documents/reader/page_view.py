"""Build the view of a page: its image with a passage boxed, or its text with the passage marked.

Images are rendered in a sandboxed child process and cached on disk by content, page, width and renderer. No permission
is checked here, and the cache key names no user: callers check who reads each time. Entry points: `build_page_view`,
`get_page_image`, `get_page_png`.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from apps.documents.models import Chunk, Document, Page
from apps.documents.moderation import document_redaction
from apps.documents.reader.text_blocks import (
    TextBlock,
    build_blocks,
    choose_window,
    cut_spans,
    highlight_code,
    split_notes,
)
from apps.documents.reader.text_layer import TextLayer, build_text_layer
from apps.documents.reader.word_boxes import (
    HighlightBox,
    RedactionPlaceUnknown,
    find_highlight_boxes,
    find_redaction_boxes,
    has_same_offsets,
    redact_image,
)
from apps.lib import disk_space
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import runner

log = logging.getLogger(__name__)

RENDERER_VERSION = 4  # increment it whenever the same page would be rendered differently
WIDTHS = (200, 800, 1200, 1800)  # pixels; only a few, so that requests cannot fill the disk
MAX_SPANS = 60  # of one passage
CONTEXT_CHARACTERS = 1500  # characters of text shown before and after a passage in the panel
CACHE_BYTES = 512 * 1024**2  # of all cached images
_POSITIONS = {
    "page": gettext_lazy("Page %(number)s of %(last)s"), "slide": gettext_lazy("Slide %(number)s of %(last)s"),
    "part": gettext_lazy("Part %(number)s of %(last)s"),
}  # fmt: skip
_TRIM_EVERY = 64  # writes between two looks at the size of the cache
_WAIT_S = 20  # seconds to wait for a free child
_renders = threading.BoundedSemaphore(2)  # children at once, so that the machine has room for other work
_writes = 0

Spans = list[tuple[int, int]]


class PageImageError(Exception):
    """Error: there is no image of the page. The message is for the user."""


@dataclass(frozen=True, slots=True)
class PageImage:
    """Image of a page with highlights.

    `boxes` are those of the passage: left, top, width, height in thousandths of the page, for the view box of an SVG;
    `other_boxes` those of other passages beside the one that is meant.
    `words` are the same of all words if the page was recognised. `layer` is the page's text, to lay over the image.
    """

    width: int
    height: int
    boxes: list[tuple[float, ...]]
    words: list[tuple[float, ...]]
    layer: TextLayer
    other_boxes: list[tuple[float, ...]]

    @property
    def word_rects(self) -> SafeString:
        """Return SVG rectangles of the recognised words."""
        return format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}"/>', self.words)


@dataclass(frozen=True, slots=True)
class PageView:
    """Page as the reader shows it: an image, or blocks of text.

    `problem` says why there is no image where one was expected; "" otherwise. `last_page` is the number of the last
    page."""

    document: Document
    number: int
    last_page: int
    spans: str
    heading: str
    image: PageImage | None
    blocks: list[TextBlock]
    notes: list[TextBlock]  # speaker notes of a slide
    text_before: bool  # True if text was left out before the blocks
    text_after: bool  # True if text was left out after them
    problem: str
    focus: str = ""  # spans of the passage that is meant, if it is not all of `spans`

    @property
    def position_text(self) -> str:
        """Return the place in words, such as "Page 3 of 10"; "" for a document of one part."""
        if self.last_page <= 1 and not self.document.has_pages:
            return ""
        return str(_POSITIONS[self.document.unit]) % {"number": self.number, "last": self.last_page}

    @property
    def previous(self) -> int:
        """Return the number of the previous page; 0 on the first one."""
        return self.number - 1

    @property
    def following(self) -> int:
        """Return the number of the next page; 0 on the last one."""
        return self.number + 1 if self.number < self.last_page else 0


def parse_spans(raw: str) -> Spans:
    """Return the spans of "a-b,c-d"; malformed ones are left out."""
    spans: Spans = []
    for part in raw[:2000].split(",")[:MAX_SPANS]:
        start, _, end = part.partition("-")
        if start.isascii() and end.isascii() and start.isdigit() and end.isdigit() and int(start) < int(end) < 2**31:
            spans.append((int(start), int(end)))
    return spans


def build_page_view(
    document: Document, number: int, raw_spans: str, raw_here: str = "", *, context: int = 0, as_text: bool = False
) -> PageView:
    """Return the view of one page with a passage; a number beyond the document gives the nearest page.

    `raw_here`: spans of the passage that is meant; those of `raw_spans` beside it are shown lighter. `context`:
    characters of text shown before and after the passage; 0: the whole page. `as_text`: no image. Queries the database
    and may render for seconds. Checks no permission.
    """
    last = max(1, document.pages_count)
    number = min(max(1, number), last)
    spans, here = parse_spans(raw_spans), parse_spans(raw_here)
    image, problem = None, ""
    if document.has_pages and not as_text:
        try:
            image = get_page_image(document, number, spans, here)
        except PageImageError as error:
            problem = str(error)
    blocks, before, after = ([], False, False) if image else _text(document, number, spans, here, context)
    spans_value, here_value = (",".join(f"{a}-{b}" for a, b in blocks) for blocks in (spans, here))
    slide, notes = split_notes(blocks) if document.unit == "slide" else (blocks, [])
    heading = _heading(document, number, spans)
    return PageView(
        document, number, last, spans_value, heading, image, slide, notes, before, after, problem, here_value
    )


def _text(
    document: Document, number: int, spans: Spans, here: Spans, context: int
) -> tuple[list[TextBlock], bool, bool]:
    """Return the blocks of a page, and whether text was left out before and after them."""
    page = Page.objects.filter(document=document, number=number).defer("boxes").first()
    if page is None:
        return [], False, False
    start, end = choose_window(page.text, here or spans, context) if context else (0, len(page.text))
    block_spans = page.block_spans or [("paragraph", 0, 0, len(page.text))]
    found = build_blocks(page.text, spans, block_spans, start, end, here)
    coloured = highlight_code(found, document.name) if document.kind in {"code", "notebook"} else found
    return coloured, start > 0, end < len(page.text)


def _heading(document: Document, number: int, spans: Spans) -> str:
    if not spans:
        return ""
    found = Chunk.objects.filter(document=document, page_number=number, char_end__gt=spans[0][0]).order_by("char_start")
    return found.values_list("heading", flat=True).first() or ""


def get_page_image(document: Document, number: int, spans: Spans, here: Spans | None = None) -> PageImage:
    """Return size, highlights and text layer of a page; its image is on disk afterwards. Raises PageImageError."""
    facts = _load_facts(document, number)
    text, recognised = Page.objects.filter(document=document, number=number).values_list("text", "boxes").first() or (
        "", None,
    )  # fmt: skip
    words = recognised or _get_words(facts, text)
    _find_boxes(words, document_redaction.list_redacted_spans(document, number))
    boxes = [_thousandths(box) for box in find_highlight_boxes(words, here or spans)]
    highlights = find_highlight_boxes(words, cut_spans(spans, here)) if here else []
    recognised_words = [_thousandths(word[2:]) for word in recognised or ()]
    layer = build_text_layer(text, words, facts["height"] / facts["width"])
    return PageImage(
        facts["width"], facts["height"], boxes, recognised_words, layer, [_thousandths(box) for box in highlights]
    )


def _load_facts(document: Document, number: int) -> dict[str, Any]:
    """Return size, text and words of the page, rendering it if necessary."""
    cache_file = _folder(document.sha256) / f"{number}-v{RENDERER_VERSION}.json"
    try:
        facts: dict[str, Any] = orjson.loads(cache_file.read_bytes())
    except FileNotFoundError:
        rendered = _render(document, number, WIDTHS[2])
        facts = {"width": rendered.width, "height": rendered.height, "text": rendered.text}
        facts["words"] = rendered.words
        _keep(_png(document.sha256, number, WIDTHS[2]), rendered.png)
        _keep(cache_file, orjson.dumps(facts))
    return facts


def _get_words(facts: dict[str, Any], stored: str) -> list[list[float]]:
    """Return the words of a page; [] if it was stored with another text, so that their places in it are not known."""
    words: list[list[float]] = facts["words"] if has_same_offsets(facts["text"], stored) else []
    return words


def _find_boxes(words: Sequence[Sequence[float]], spans: Spans) -> list[HighlightBox]:
    """Return the boxes of redacted spans. Raises PageImageError if the place of one is not known."""
    try:
        return find_redaction_boxes(words, spans)
    except RedactionPlaceUnknown as error:
        raise PageImageError(
            gettext("A reviewer redacted a part of this page. Here is the rest of its text.")
        ) from error


def _thousandths(box: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(side * 1000, 2) for side in box)


def get_page_png(document: Document, number: int, width: int) -> bytes:
    """Return the PNG of a page with redacted spans covered. Raises PageImageError."""
    spans = document_redaction.list_redacted_spans(document, number)
    if not spans:
        return _load_image(document, number, width)
    text, known = Page.objects.filter(document=document, number=number).values_list("text", "boxes").first() or (
        "",
        None,
    )
    where = _find_boxes(known or _get_words(_load_facts(document, number), text), spans)
    return redact_image(_load_image(document, number, width), where)


def _load_image(document: Document, number: int, width: int) -> bytes:
    path = _png(document.sha256, number, width)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        rendered = _render(document, number, width)
    _keep(path, rendered.png)
    return rendered.png


def choose_width(requested: int) -> int:
    """Return the smallest of WIDTHS, in pixels, that is not less than `requested`; else the largest."""
    return next((width for width in WIDTHS if width >= requested), WIDTHS[-1])


def delete_cached_images(hashes: Iterable[str]) -> None:
    """Delete cached images of content that no document has any more, by SHA-256."""
    hashes_to_delete = set(filter(None, hashes))  # the hash of a web page that was never fetched is ""
    hashes_to_delete -= set(Document.all_objects.filter(sha256__in=hashes_to_delete).values_list("sha256", flat=True))
    for sha256 in hashes_to_delete:
        shutil.rmtree(_folder(sha256), ignore_errors=True)


def _render(document: Document, number: int, width: int) -> runner.RenderedPage:
    if not _renders.acquire(timeout=_WAIT_S):
        raise PageImageError(gettext("The server is busy. Here is the text of the page; reload to see its image."))
    try:
        path = Path(settings.MEDIA_ROOT) / str(document.file)
        return runner.render_page(path, document.kind, number, width, memory_bytes=settings.PARSE_MEMORY_BYTES)
    except (ParseError, runner.ParserCrashed) as error:
        raise PageImageError(gettext("This page cannot be shown as an image: %(error)s") % {"error": error}) from error
    except FileNotFoundError as error:
        raise PageImageError(
            gettext("The file of this document is missing on the server. Here is its text.")
        ) from error
    except OSError as error:
        if not disk_space.is_disk_full_error(error):
            raise
        raise PageImageError(
            gettext("The disk of this server is full, so this page cannot be shown as an image. Here is its text.")
        ) from error
    finally:
        _renders.release()


def _folder(sha256: str) -> Path:
    return Path(settings.DATA_DIR) / "pages" / sha256[:2] / sha256


def _png(sha256: str, number: int, width: int) -> Path:
    return _folder(sha256) / f"{number}-{width}-v{RENDERER_VERSION}.png"


def _keep(path: Path, content: bytes) -> None:
    """Write the file atomically, also if other threads write it now. Without disk space it is not cached."""
    global _writes
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        if not disk_space.is_disk_full_error(error):
            raise
        log.warning("The disk is full: a page is drawn anew each time it is opened (%s)", error)
        return
    _writes += 1
    if _writes % _TRIM_EVERY == 1:
        trim_cache(Path(settings.DATA_DIR) / "pages")


def trim_cache(folder: Path, limit: int = CACHE_BYTES) -> None:
    """Delete the oldest files until the folder holds at most `limit` bytes."""
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
