"""Reuse pages, chunks and vectors of a document with the same content that was ingested in the same way.

Only documents that the uploader may read at that moment are used. The speed of ingestion then reveals nothing that the
uploader could not look up (docs/security/model.md). Decisions of users about a document are not copied: title,
keywords, passages switched off. The gate screens every passage again.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path, PurePath

import numpy as np
from django.conf import settings

from apps.documents.indexing import embedders
from apps.documents.indexing.document_chunking import make_parsed_page
from apps.documents.ingestion.batch import IngestItem
from apps.documents.models import Chunk, Document, Page
from apps.documents.settings import read_collection_settings
from apps.reading.chunking.chunker import ChunkDraft
from apps.reading.parsing.protocol import ParsedPage

_APPS = Path(__file__).parents[2]
_READERS = (  # files below `apps/` whose code decides what is read and how it is cut
    "reading/parsing/**/*.py", "reading/chunking/*.py", "documents/ingestion/file_parsing.py",
    "documents/ingestion/ocr.py", "lib/text/text_normalization.py", "lib/text/language_detection.py",
)  # fmt: skip
_PACKAGES = (  # packages whose code decides what a parser reads from a file
    "charset-normalizer", "cssselect2", "docutils", "lxml", "markdown-it-py", "numpy", "olefile", "onnxruntime",
    "opencv-python-headless", "orjson", "pi-heif", "pillow", "pypdfium2", "python-calamine", "python-docx",
    "python-pptx", "rapidocr", "tinycss2", "trafilatura",
)  # fmt: skip
_MAX_TRIED = 5  # documents of the same content that are tried


def get_parser_version() -> str:
    """Return a digest of how files are parsed: the source of parsers and OCR, versions of packages, and page limits.

    A document with another value in `parser_version` is not reused.
    """
    return _digest(_fingerprint_code(), str(settings.OCR_PAGES), str(settings.MAX_PAGES))


def get_chunking_version(document: Document) -> str:
    """Return a digest of how the document's pages are chunked and embedded; equal digests mean equal chunks and
    vectors."""
    target = read_collection_settings(document.collection.search_settings).chunk_tokens
    return _digest(
        document.parser_version, str(document), str(target), embedders.get_embedder(document.collection).fingerprint
    )


def reuse_content(item: IngestItem) -> None:
    """Fill the item with pages of a known document of the same content, and with its chunks and vectors if these are
    alike.

    Leaves the item unchanged if there is no such document.
    """
    document = item.document
    for source in _find_sources(document):
        pages = _load_pages(source)
        if pages and _is_unchanged(source):
            item.pages, item.reuses_pages = pages, True
            document.parser_version, document.embedded_title = source.parser_version, source.embedded_title
            document.note, document.language = source.note, source.language
            document.title = document.title or source.embedded_title
            if source.chunking_version == get_chunking_version(document):
                _reuse_chunks(item, source)
            return


def _find_sources(document: Document) -> list[Document]:
    """Return at most 5 ready documents of the same content, those with the same name and settings first."""
    if document.uploaded_by is None or not document.sha256:
        return []
    same = Document.objects.visible_to(document.uploaded_by).filter(
        sha256=document.sha256, kind=document.kind, status=Document.Status.READY, parser_version=get_parser_version()
    )
    rows = same.exclude(pk=document.pk).select_related("collection").order_by("-created")[:_MAX_TRIED]
    same_suffix = [row for row in rows if _get_suffix(row.name) == _get_suffix(document.name)]
    return sorted(
        same_suffix,
        key=lambda row: (
            row.name != document.name,
            row.collection.search_settings != document.collection.search_settings,
        ),
    )


def _is_unchanged(source: Document) -> bool:
    """Return whether the document is still what it was before its rows were read."""
    return Document.objects.filter(pk=source.pk, sha256=source.sha256, parser_version=source.parser_version).exists()


def _load_pages(source: Document) -> list[ParsedPage]:
    """Return all pages of the document in order; [] if one is missing."""
    rows = list(Page.objects.filter(document=source).order_by("number"))
    if not rows or len(rows) != source.pages_count:
        return []
    return [make_parsed_page(row) for row in rows]


def _reuse_chunks(item: IngestItem, source: Document) -> None:
    """Fill the item with chunks and vectors of the known document, if all are there and of the same embedder."""
    embed = embedders.get_embedder(item.document.collection)
    rows = list(Chunk.objects.filter(document=source).order_by("position"))
    whole = [row.position for row in rows] == list(range(len(rows)))
    if not rows or not whole or any(row.fingerprint != embed.fingerprint or not row.vector for row in rows):
        return
    if not _is_unchanged(source):
        return
    item.chunks = [
        ChunkDraft(row.page_number, row.char_start, row.char_end, row.heading, row.text, "", row.tokens) for row in rows
    ]
    item.vectors = np.stack([np.frombuffer(row.vector, dtype=np.float32) for row in rows])
    item.reuses_chunks = True


def _get_suffix(name: str) -> str:
    """Return the part of a file name on which the choice of a parser depends: the suffix, or the name without one."""
    path = PurePath(name.lower())
    return path.suffix or path.name


@cache
def _fingerprint_code() -> str:
    """Return a digest of the source of the parsers and of the versions of their packages."""
    sources = [path.read_bytes() for pattern in _READERS for path in sorted(_APPS.glob(pattern))]
    packages = [f"{name} {_version(name)}" for name in _PACKAGES]
    return _digest(*(sha256(source).hexdigest() for source in sources), *packages)


def _version(package: str) -> str:
    """Return the version of a package; "" if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
