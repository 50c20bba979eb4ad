"""Real files of many programs: every honest one is read, every refusal has a reason, nothing crashes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.documents import sandbox
from apps.documents.chunking import Chunker
from apps.documents.parsers import by_suffix
from apps.documents.parsers.base import Limits, ParsedPage, Piece, Unreadable
from apps.documents.sniff import sniff
from apps.engines.embed.fake import FakeEmbed

pytestmark = pytest.mark.shared

SKIPPED = 3  # every third file; all of them were read when this was written
# Honest files of which there is nothing to read: scans, drawings, passwords, one cut off on purpose.
NOTHING_IN = {
    "markitdown/MEDRPT-2024-PAT-3847_medical_report_scan.pdf", "docling_src/rolling_buffer.pdf",
    "pypdf_samples/imagemagick-lzw.pdf", "pypdf_samples/imagemagick-ASCII85Decode.pdf",
    "pypdf_samples/libreoffice-writer-password.pdf", "pypdf_samples/grayscale-image.pdf",
    "tika/testPDF_jsActionOnPage.pdf", "tika/testPDF_Version.8.x.pdf", "tika/testWORD_truncated.docx",
    "pdfplumber/issue-297-example.pdf", "pdfminer/test_pattern_colors.pdf", "pdfminer/aes-256-r6.pdf",
    "pdfminer/rc4-40.pdf", "pdfminer/aes-128-m.pdf", "pdfminer/aes-256-m.pdf", "pdfminer/encrypted_doc_no_id.pdf",
}  # fmt: skip


def listed(shared: Path, kind: str) -> Iterator[Path]:
    folder = shared / "data" / "ingest_docs"
    rows: list[dict[str, Any]] = [json.loads(line) for line in (folder / "MANIFEST.jsonl").open()]
    for row in rows:
        if row["kind"] == kind and by_suffix(Path(row["path"]).suffix) and row["path"] not in NOTHING_IN:
            yield folder / row["path"]


def pages(path: Path) -> list[ParsedPage]:
    options = {"kind": sniff(path, path.name), "pages": 3000, "characters": Limits().characters}
    return [
        ParsedPage(answer["page"], answer["text"], tuple(Piece(*piece) for piece in answer["pieces"]))
        for answer in sandbox.run("parse", path, options, seconds=30, memory_bytes=1024**3)
        if "page" in answer
    ]


def test_honest_files_are_read_and_cut(shared: Path) -> None:
    offsets = FakeEmbed().offsets
    for path in list(listed(shared, "normal"))[::SKIPPED]:
        chunker = Chunker(path.stem, offsets, 256)
        for page in pages(path):
            inside = "".join(page.text[piece.start : piece.end] for piece in page.pieces)  # hidden text is blank
            assert "".join(inside.replace("\u00ad", "").split()) == "".join(page.text.replace("\u00ad", "").split()), (
                path
            )
            covered = "".join(page.text[draft.start : draft.end] for draft in chunker.cut(page))
            assert "".join(covered.replace("\u00ad", "").split()) == "".join(inside.replace("\u00ad", "").split()), path
        assert page.text.strip() or page.number > 1, path


def test_broken_and_fuzzed_files_are_read_or_refused_with_a_reason(shared: Path) -> None:
    for path in list(listed(shared, "hostile"))[::SKIPPED]:
        try:
            pages(path)
        except Unreadable as error:
            assert str(error).endswith("."), path
