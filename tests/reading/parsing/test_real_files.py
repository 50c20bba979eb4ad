"""Real files of many programs: every honest one is read, every refusal has a reason, nothing crashes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.engines.embed.fake import FakeEmbedder
from apps.reading.chunking.chunker import Chunker
from apps.reading.parsing.formats import find_by_suffix
from apps.reading.parsing.protocol import BlockSpan, ParsedPage, ParseError, ParseLimits
from apps.reading.sandbox import runner
from apps.reading.sandbox.runner import detect_format

pytestmark = pytest.mark.shared

# Honest files in which there is nothing to read: photographs, empty pages, passwords, one cut off on purpose, and a
# workbook of a version that no one else writes.
NOTHING_IN = {
    "pdfminer/aes-128-m.pdf", "pdfminer/aes-256-m.pdf", "pdfminer/aes-256-r6.pdf", "pdfminer/rc4-40.pdf",
    "pdfminer/test_pattern_colors.pdf", "pdfplumber/issue-297-example.pdf", "pypdf_samples/grayscale-image.pdf",
    "pypdf_samples/imagemagick-ASCII85Decode.pdf", "pypdf_samples/imagemagick-images.pdf",
    "pypdf_samples/imagemagick-lzw.pdf", "pypdf_samples/libreoffice-writer-password.pdf", "tika/Doc1_ole.doc",
    "tika/testBMP.bmp", "tika/testEXCEL.xlsb", "tika/testGIF.gif", "tika/testJPEG_EXIF.jpg", "tika/testOCR_encode.jpg",
    "tika/testOCR_encode.png", "tika/testODPMacro.odp", "tika/testODTEmbeddedImageLink.odt",
    "tika/testPDF_Version.8.x.pdf", "tika/testPDF_jsActionOnPage.pdf", "tika/testPNG.png",
    "tika/testPPT_masterText.ppt", "tika/testTIFF.tif", "tika/testWEBP.webp", "tika/testWORD_truncated.docx",
    "tika/testWebp_Alpha_Lossless.webp", "tika/testWebp_Alpha_Lossy.webp", "tika/testXXE.xml",
    "unstructured/example.jpg", "unstructured/password_protected.xlsx", "unstructured/picture.pptx",
}  # fmt: skip


def listed(shared: Path, kind: str) -> Iterator[Path]:
    folder = shared / "data" / "ingest_docs"
    rows: list[dict[str, Any]] = [json.loads(line) for line in (folder / "MANIFEST.jsonl").open()]
    for row in rows:
        if row["kind"] == kind and find_by_suffix(Path(row["path"]).suffix) and row["path"] not in NOTHING_IN:
            yield folder / row["path"]


def pages(path: Path) -> list[ParsedPage]:
    options = {"kind": detect_format(path, path.name), "pages": 3000, "characters": ParseLimits().characters}
    return [
        ParsedPage(
            answer["page"],
            answer["text"],
            tuple(BlockSpan(*piece) for piece in answer["block_spans"]),
            scan=answer["scan"],
        )
        for answer in runner.run_task("parse", path, options, seconds=30, memory_bytes=1024**3)
        if "page" in answer
    ]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


@pytest.mark.slow
def test_honest_files_are_read_and_cut(shared: Path) -> None:
    offsets = FakeEmbedder().offsets
    for path in listed(shared, "normal"):
        chunker = Chunker(path.stem, offsets, 256)
        for page in pages(path):
            inside = "".join(page.text[piece.start : piece.end] for piece in page.block_spans)  # hidden text is blank
            assert "".join(inside.replace("\u00ad", "").split()) == "".join(page.text.replace("\u00ad", "").split()), (
                path
            )
            covered = "".join(page.text[draft.start : draft.end] for draft in chunker.cut(page))
            assert _letters(covered) == _letters(inside), path  # signs alone become no chunk
        assert page.text.strip() or page.number > 1 or page.scan, path


def test_broken_and_fuzzed_files_are_read_or_refused_with_a_reason(shared: Path) -> None:
    for path in listed(shared, "hostile"):
        try:
            pages(path)
        except ParseError as error:
            assert str(error).endswith("."), path
