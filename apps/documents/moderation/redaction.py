"""Redact spans of documents for reviewers, and restore them.

Passages, quotes, citations and the reader all take their text from `Page.text`, so redacting it there redacts it
everywhere. Changed chunks leave the index at once and return with new vectors (`indexing/chunk_reindexing.py`). Page
images are covered (`reader/word_boxes.py`), and the original file is no longer served. A version that is ingested
later is redacted too (`reapply_redactions`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.documents.chunking.text_normalization import normalize_text
from apps.documents.indexing import shadow_build
from apps.documents.models import Chunk, Document, IndexBuild, Page, Segment
from apps.documents.models import Collection as Shelf
from apps.lib.celery.notify import notify_worker
from apps.safety.gate import redaction
from apps.safety.models import AppliedEffect
from apps.safety.text.redaction_marks import REDACTION_CHARACTER, redact_spans

KIND = "document"
REINDEX_TASK = "documents.refill"  # task that embeds changed chunks and puts them back into the index
_NAME_FIELDS = ("title", "embedded_title", "name")
_PLACEHOLDERS = re.compile(rf"{REDACTION_CHARACTER}+(?:\s+{REDACTION_CHARACTER}+)*")
_PAGES_AT_ONCE = 200  # pages read from the database at a time


@dataclass(frozen=True, slots=True)
class RedactionHook:
    """Hook of an app above that holds copies of document text.

    `redact(documents, terms)` redacts the copies and returns what `restore` needs to restore them.
    """

    redact: Callable[[Collection[UUID], Sequence[str]], dict[str, Any]]
    restore: Callable[[dict[str, Any]], None]


redaction_hooks: dict[str, RedactionHook] = {}


def redact(subject: str, wanted: Sequence[str]) -> dict[str, Any]:
    """Replace every occurrence of the terms in all versions of the document, and in copies of apps above, with
    placeholders.

    Returns what `restore` needs; {} if nothing matched. Must run inside the transaction of the review decision.
    """
    rows = _list_versions(subject)
    if not rows:
        return {}
    # A version that is being published waits for this lock, or has taken it before and is among the rows.
    list(Shelf.objects.select_for_update().filter(pk=rows[0].collection_id).values("pk"))
    before: dict[str, Any] = {"document": subject, "wanted": list(wanted), "pages": [], "headings": {}, "names": {}}
    if not _cut(rows, wanted, before):
        return {}
    ids = [row.pk for row in rows]
    before["beside"] = {name: other.redact(ids, wanted) for name, other in redaction_hooks.items()}
    return before


def restore(before: Mapping[str, Any]) -> None:
    """Put the redacted text back, in whatever versions have its placeholders; redactions of other decisions stay.

    `before` is what `redact` returned. Must run inside the transaction of the review decision.
    """
    rows = _list_versions(before["document"])
    if rows:
        texts: dict[tuple[UUID, int], str] = {}
        for page in _iter_pages(rows, Q(text__contains=REDACTION_CHARACTER)):
            text = page.text
            for said in before["pages"]:
                text = _restore_page(text, said)
            if text != page.text:
                texts[page.document_id, page.number] = text
        names = {row.pk: _restore_names(row, before["names"]) for row in rows}
        _store_texts(rows, texts, lambda heading: before["headings"].get(heading, heading), names)
    for name, said in before.get("beside", {}).items():
        if name in redaction_hooks:
            redaction_hooks[name].restore(said)


def reapply_redactions(document: Document) -> None:
    """Redact a newly ingested version as its document is redacted.

    Must run inside the transaction that makes the version searchable.
    """
    for effect in _select_effects(document.pk):
        before = dict(effect.restore_data)
        if _cut(_list_versions(str(document.pk)), before["wanted"], before):
            AppliedEffect.objects.filter(pk=effect.pk).update(restore_data=before)


def is_redacted(document: Document) -> bool:
    """Return whether a part of the document, or of the document of which this is a version, is redacted now."""
    return _select_effects(document.replaces_id or document.pk).exists()


def list_redacted_spans(document: Document, number: int) -> list[tuple[int, int]]:
    """Return the placeholders in the text of a page as [start, end); [] if nothing of the document is redacted."""
    if not is_redacted(document):
        return []
    text = Page.objects.filter(document=document, number=number).values_list("text", flat=True).first() or ""
    return [found.span() for found in _PLACEHOLDERS.finditer(text)]


def discard_redactions(subjects: Collection[str]) -> None:
    """Delete the stored original text of deleted documents; it can no longer be restored."""
    AppliedEffect.objects.filter(name="redact", kind=KIND, subject__in=subjects).exclude(restore_data={}).update(
        restore_data={}
    )


def _select_effects(pk: UUID) -> QuerySet[AppliedEffect]:
    found = AppliedEffect.objects.filter(name="redact", kind=KIND, subject=str(pk), state=AppliedEffect.State.APPLIED)
    return found.exclude(restore_data={})


def _list_versions(subject: str) -> list[Document]:
    return list(Document.every.filter(Q(pk=subject) | Q(replaces=subject)).order_by("pk"))


def _iter_pages(rows: Sequence[Document], narrowed: Q | None = None) -> Iterator[Page]:
    found = Page.objects.filter(narrowed or Q(), document__in=[row.pk for row in rows])
    return found.only("document", "number", "text").iterator(chunk_size=_PAGES_AT_ONCE)


def _cut(rows: Sequence[Document], wanted: Sequence[str], before: dict[str, Any]) -> bool:
    """Redact the documents, add the original text to `before`, and return whether anything changed."""
    pattern = redaction.compile_terms(wanted)
    texts: dict[tuple[UUID, int], str] = {}
    for page in _iter_pages(rows):
        if spans := [found.span() for found in pattern.finditer(page.text)]:
            text, gaps = redaction.cut_spans(page.text, spans)
            before["pages"].append({"length": len(text), "gaps": gaps})
            texts[page.document_id, page.number] = text
    names: dict[UUID, dict[str, str]] = {}
    for row in rows:
        told = {
            name: said
            for name in _NAME_FIELDS
            if (said := _redact_text(pattern, getattr(row, name))) != getattr(row, name)
        }
        before["names"] |= {said: getattr(row, name) for name, said in told.items()}
        names[row.pk] = told
    return _store_texts(rows, texts, partial(_redact_and_keep, pattern, before["headings"]), names)


def _redact_and_keep(pattern: re.Pattern[str], kept: dict[str, str], text: str) -> str:
    """Return the redacted text; store the original in `kept`, by the redacted text, if it differs."""
    if (said := _redact_text(pattern, text)) != text:
        kept[said] = text
    return said


def _redact_text(pattern: re.Pattern[str], text: str) -> str:
    return redact_spans(text, [found.span() for found in pattern.finditer(text)])


def _restore_names(row: Document, kept: Mapping[str, str]) -> dict[str, str]:
    return {name: kept[getattr(row, name)] for name in _NAME_FIELDS if getattr(row, name) in kept}


def _restore_page(text: str, said: Mapping[str, Any]) -> str:
    """Return the text restored, if all placeholders of that page are in place; else unchanged."""
    gap = {REDACTION_CHARACTER, "\n"}
    whole = len(text) == said["length"] and all(set(text[at : at + len(was)]) <= gap for at, was in said["gaps"])
    return redaction.restore_spans(text, said["gaps"]) if whole else text


def _store_texts(
    rows: Sequence[Document], texts: Mapping[tuple[UUID, int], str], spelt: Callable[[str], str],
    names: Mapping[UUID, dict[str, str]],
) -> bool:  # fmt: skip
    """Store changed pages, names and chunks; return whether anything changed.

    Changed chunks lose their vector and segment. `spelt` maps headings and keywords.
    """
    for (document, number), text in texts.items():
        Page.objects.filter(document=document, number=number).update(text=text)
    for pk, told in names.items():
        if told:
            Document.every.filter(pk=pk).update(**told)
    renamed = {pk for pk, told in names.items() if told}
    left, segments = [], set()
    for row in Chunk.every.filter(document__in=[row.pk for row in rows]).defer("vector"):
        page = texts.get((row.document_id, row.page_number))
        told = {"heading": spelt(row.heading), "keywords": spelt(row.keywords)}
        told["text"] = normalize_text(page[row.char_start : row.char_end]) if page is not None else row.text
        if row.document_id in renamed or any(getattr(row, name) != said for name, said in told.items()):
            Chunk.every.filter(pk=row.pk).update(**told, vector=b"", fingerprint="", segment=None)
            left.append(row)
            segments.add(row.segment_id)
    if not (left or texts or renamed):
        return False
    Document.every.filter(pk__in=[row.pk for row in rows]).update(
        parser_version="", chunking_version=""
    )  # never reused for a copy
    # A merge rewrites these segments without the changed chunks.
    Segment.objects.filter(pk__in=[pk for pk in segments if pk]).update(stale_since=timezone.now())
    for build in IndexBuild.objects.filter(pk__in={row.build for row in left if row.build}):
        shadow_build.discard(build)
    transaction.on_commit(partial(notify_worker, REINDEX_TASK, rows[0].collection_id), robust=True)
    return True
