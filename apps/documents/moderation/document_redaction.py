"""Redact spans of documents for reviewers, and restore them.

Passages, quotes, citations and the reader all take their text from `Page.text`, so redacting it there redacts it
everywhere. Changed chunks leave the index at once and return with new vectors (`indexing/chunk_reindexing.py`). Page
images are covered (`reader/word_boxes.py`), and the original file is no longer served. A version that is ingested
later is redacted too (`reapply_redactions`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.documents.indexing import shadow_build
from apps.documents.models import Chunk, Collection, Document, IndexBuild, Page, Segment
from apps.lib.celery.notify import notify_worker
from apps.lib.text.text_normalization import normalize_text, shorten_leaders
from apps.safety.gate import span_redaction
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

    redact: Callable[[Sequence[UUID], Sequence[str]], dict[str, Any]]
    restore: Callable[[dict[str, Any]], None]


redaction_hooks: dict[str, RedactionHook] = {}


def redact(subject: str, terms: Sequence[str]) -> dict[str, Any]:
    """Replace every occurrence of the terms in all versions of the document, and in copies of apps above, with
    placeholders.

    Returns what `restore` needs; {} if nothing matched. Must run inside the transaction of the review decision.
    """
    rows = _list_versions(subject)
    if not rows:
        return {}
    # A version that is being published waits for this lock, or has taken it before and is among the rows.
    list(Collection.objects.select_for_update().filter(pk=rows[0].collection_id).values("pk"))
    restore_data: dict[str, Any] = {"document": subject, "wanted": list(terms)}
    restore_data |= {"pages": [], "headings": {}, "names": {}}
    if not _redact_documents(rows, terms, restore_data):
        return {}
    ids = [row.pk for row in rows]
    restore_data["beside"] = {name: hook.redact(ids, terms) for name, hook in redaction_hooks.items()}
    return restore_data


def restore(restore_data: Mapping[str, Any]) -> None:
    """Put the redacted text back, in whatever versions have its placeholders; redactions of other decisions stay.

    `restore_data` is what `redact` returned. Must run inside the transaction of the review decision.
    """
    rows = _list_versions(restore_data["document"])
    if rows:
        texts: dict[tuple[UUID, int], str] = {}
        for page in _iter_pages(rows, Q(text__contains=REDACTION_CHARACTER)):
            text = page.text
            for copy_data in restore_data["pages"]:
                text = _restore_page(text, copy_data)
            if text != page.text:
                texts[page.document_id, page.number] = text
        names = {row.pk: _restore_names(row, restore_data["names"]) for row in rows}
        _store_texts(rows, texts, lambda heading: restore_data["headings"].get(heading, heading), names)
    for name, copy_data in restore_data.get("beside", {}).items():
        if name in redaction_hooks:
            redaction_hooks[name].restore(copy_data)


def reapply_redactions(document: Document) -> None:
    """Redact a newly ingested version as its document is redacted.

    Must run inside the transaction that makes the version searchable.
    """
    for effect in _select_effects(document.pk):
        restore_data = dict(effect.restore_data)
        if _redact_documents(_list_versions(str(document.pk)), restore_data["wanted"], restore_data):
            AppliedEffect.objects.filter(pk=effect.pk).update(restore_data=restore_data)


def is_redacted(document: Document) -> bool:
    """Return whether a part of the document, or of the document of which this is a version, is redacted now."""
    return _select_effects(document.replaces_id or document.pk).exists()


def list_redacted_spans(document: Document, number: int) -> list[tuple[int, int]]:
    """Return the placeholders in the text of a page as [start, end); [] if nothing of the document is redacted."""
    if not is_redacted(document):
        return []
    text = Page.objects.filter(document=document, number=number).values_list("text", flat=True).first() or ""
    return [found.span() for found in _PLACEHOLDERS.finditer(text)]


def discard_redactions(subjects: Sequence[str]) -> None:
    """Delete the stored original text of deleted documents; it can no longer be restored."""
    AppliedEffect.objects.filter(name="redact", kind=KIND, subject__in=subjects).exclude(restore_data={}).update(
        restore_data={}
    )


def _select_effects(pk: UUID) -> QuerySet[AppliedEffect]:
    effects = AppliedEffect.objects.filter(name="redact", kind=KIND, subject=str(pk), state=AppliedEffect.State.APPLIED)
    return effects.exclude(restore_data={})


def _list_versions(subject: str) -> list[Document]:
    return list(Document.all_objects.filter(Q(pk=subject) | Q(replaces=subject)).order_by("pk"))


def _iter_pages(rows: Sequence[Document], condition: Q | None = None) -> Iterator[Page]:
    pages = Page.objects.filter(condition or Q(), document__in=[row.pk for row in rows])
    return pages.only("document", "number", "text").iterator(chunk_size=_PAGES_AT_ONCE)


def _redact_documents(rows: Sequence[Document], terms: Sequence[str], restore_data: dict[str, Any]) -> bool:
    """Redact the documents, add the original text to `restore_data`, and return whether anything changed."""
    pattern = span_redaction.compile_terms(terms)
    texts: dict[tuple[UUID, int], str] = {}
    for page in _iter_pages(rows):
        if spans := [found.span() for found in pattern.finditer(page.text)]:
            text, gaps = span_redaction.cut_spans(page.text, spans)
            restore_data["pages"].append({"length": len(text), "gaps": gaps})
            texts[page.document_id, page.number] = text
    names: dict[UUID, dict[str, str]] = {}
    for row in rows:
        redacted_names = {
            name: redacted
            for name in _NAME_FIELDS
            if (redacted := _redact_text(pattern, getattr(row, name))) != getattr(row, name)
        }
        restore_data["names"] |= {redacted: getattr(row, name) for name, redacted in redacted_names.items()}
        names[row.pk] = redacted_names
    return _store_texts(rows, texts, partial(_redact_and_record, pattern, restore_data["headings"]), names)


def _redact_and_record(pattern: re.Pattern[str], originals: dict[str, str], text: str) -> str:
    """Return the redacted text; store the original in `originals`, by the redacted text, if it differs."""
    if (redacted := _redact_text(pattern, text)) != text:
        originals[redacted] = text
    return redacted


def _redact_text(pattern: re.Pattern[str], text: str) -> str:
    return redact_spans(text, [found.span() for found in pattern.finditer(text)])


def _restore_names(row: Document, originals: Mapping[str, str]) -> dict[str, str]:
    return {name: originals[getattr(row, name)] for name in _NAME_FIELDS if getattr(row, name) in originals}


def _restore_page(text: str, redacted_page: Mapping[str, Any]) -> str:
    """Return the text restored, if all placeholders of that page are in place; else unchanged."""
    gap = {REDACTION_CHARACTER, "\n"}
    intact = len(text) == redacted_page["length"] and all(
        set(text[at : at + len(was)]) <= gap for at, was in redacted_page["gaps"]
    )
    return span_redaction.restore_spans(text, redacted_page["gaps"]) if intact else text


def _store_texts(
    rows: Sequence[Document], texts: Mapping[tuple[UUID, int], str], map_text: Callable[[str], str],
    names: Mapping[UUID, dict[str, str]],
) -> bool:  # fmt: skip
    """Store changed pages, names and chunks; return whether anything changed.

    Changed chunks lose their vector and segment. `map_text` maps headings and keywords.
    """
    for (document, number), text in texts.items():
        Page.objects.filter(document=document, number=number).update(text=text)
    for pk, changes in names.items():
        if changes:
            Document.all_objects.filter(pk=pk).update(**changes)
    renamed = {pk for pk, changes in names.items() if changes}
    left, segments = [], set()
    for row in Chunk.all_objects.filter(document__in=[row.pk for row in rows]).defer("vector"):
        page = texts.get((row.document_id, row.page_number))
        changes = {"heading": map_text(row.heading), "keywords": map_text(row.keywords)}
        if page is not None:
            changes["text"] = normalize_text(shorten_leaders(page[row.char_start : row.char_end]))
        if row.document_id in renamed or any(getattr(row, name) != value for name, value in changes.items()):
            Chunk.all_objects.filter(pk=row.pk).update(**changes, vector=b"", fingerprint="", segment=None)
            left.append(row)
            segments.add(row.segment_id)
    if not (left or texts or renamed):
        return False
    Document.all_objects.filter(pk__in=[row.pk for row in rows]).update(
        parser_version="", chunking_version="", starters=None
    )  # never reused for a copy, and asked about anew
    # A merge rewrites these segments without the changed chunks.
    Segment.objects.filter(pk__in=[pk for pk in segments if pk]).update(stale_since=timezone.now())
    for build in IndexBuild.objects.filter(pk__in={row.build for row in left if row.build}):
        shadow_build.discard(build)
    transaction.on_commit(partial(notify_worker, REINDEX_TASK, rows[0].collection_id), robust=True)
    return True
