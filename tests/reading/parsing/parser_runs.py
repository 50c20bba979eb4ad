"""Run a parser on a file of a test: in this process, or in the sandbox as the worker does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import uuid4

from apps.documents.ingestion.ocr import ADDRESSES_BYTES
from apps.reading.parsing.protocol import DocumentTitle, ParsedPage, ParseLimits, ParseNotice
from apps.reading.sandbox import runner
from apps.reading.sandbox.runner import detect_format

SECONDS, MEMORY = 30, 1024**3
OCR_MEMORY = MEMORY + ADDRESSES_BYTES
HONEST_TEXT = b"Thirty days of paid leave."


def parse_file(
    parse: Callable[[str, ParseLimits], Iterable[object]], path: Path, content: bytes, name: str = ""
) -> tuple[str, list[str], list[str]]:
    """Return the title, the text of each page and the notes that the parser yields for the content."""
    path.write_bytes(content)
    items = list(parse(str(path), ParseLimits(name=name)))
    title = next((item.text for item in items if isinstance(item, DocumentTitle)), "")
    pages = [item.text for item in items if isinstance(item, ParsedPage)]
    return title, pages, [item.text for item in items if isinstance(item, ParseNotice)]


def parse_in_sandbox(folder: Path, name: str, content: bytes, pages: int = 3000) -> tuple[str, str]:
    """Return the text and the notes of a file of that name. Raise ParseError if it cannot be read."""
    path = folder / f"stored-{uuid4().hex}"
    path.write_bytes(content)
    options = {
        "kind": detect_format(path, name), "pages": pages, "characters": ParseLimits().characters, "name": name,
    }  # fmt: skip
    results = runner.run_task("parse", path, options, seconds=SECONDS, memory_bytes=MEMORY)
    text = "\n".join(result["text"] for result in results if "page" in result)
    return text, " ".join(result["note"] for result in results if "note" in result)


def read_lines(folder: Path, name: str, content: bytes) -> tuple[str, str]:
    """Return the text without empty lines, white space folded, and the notes, as the sandbox reads them."""
    text, notes = parse_in_sandbox(folder, name, content)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(filter(None, lines)), notes


def html_page(inner: str, head: str = "") -> bytes:
    """Return a web page that says "Seen." before `inner`."""
    return f"<html><head>{head}</head><body><p>Seen.</p>{inner}</body></html>".encode()
