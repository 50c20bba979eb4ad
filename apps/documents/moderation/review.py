"""Review of documents: open cases for passages that the gate flagged, and apply the decisions of reviewers.

`flag_document` opens cases, `DocumentReviewable` applies decisions; the cases themselves are in `apps.safety`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from apps.documents.models import Document, DocumentQuerySet
from apps.documents.moderation import document_redaction
from apps.safety.moderation import auto_close, cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.moderation.reviewable import ContentLocation, ContextItem
from apps.safety.policy.verdicts import EvaluationRecord, Verdict
from apps.users.models import User

KIND = document_redaction.KIND
_SEPARATOR = "\n\n"
_MAX_TEXTS = 5  # flagged passages of a document that a case shows
_CONTEXT_CHARACTERS = 400  # characters of the document's beginning that a case shows
_MAX_REASON = 400  # as Document.withheld


class DocumentReviewable:
    """Adapter through which `apps.safety` reviews documents; subjects are ids of documents as text."""

    name = gettext_lazy("a document")

    def exists(self, subject: str) -> bool:
        return _find_documents(subject).exists()

    def context(self, subject: str) -> list[ContextItem]:
        document = _find_documents(subject).select_related("collection").first()
        if document is None:
            return []
        first = document.chunks.order_by("position").first()
        begins = [ContextItem("Beginning", first.text[:_CONTEXT_CHARACTERS])] if first else []
        where = f"{document.title or document.name} · {document.collection}"
        return [ContextItem("Document", where), *begins]

    def locate(self, user: User, subjects: Collection[str]) -> dict[str, ContentLocation]:
        rows = Document.objects.visible_to(user).filter(pk__in=subjects).select_related("collection")
        return {
            str(row.pk): ContentLocation(f"{row} · {row.collection}", reverse("documents:document", args=[row.pk]))
            for row in rows
        }

    def withhold(self, subject: str, message: str) -> dict[str, Any]:
        """Exclude the document and its versions from all answers, also versions that follow. Return what `restore`
        needs.

        Passages that users switched off are not changed, and users cannot switch withheld ones on.
        """
        before = Document.all_objects.filter(pk=subject).values_list("withheld", flat=True).first()
        _with_versions(subject).update(withheld=message[:_MAX_REASON])
        return {} if before is None else {"withheld": before}

    def restore(self, subject: str, restore_data: dict[str, Any]) -> None:
        if restore_data:
            _with_versions(subject).update(withheld=restore_data["withheld"])

    def redact(self, subject: str, terms: Sequence[str]) -> dict[str, Any]:
        return document_redaction.redact(subject, terms)

    def restore_redacted(self, restore_data: dict[str, Any]) -> None:
        document_redaction.restore(restore_data)


def _find_documents(subject: str) -> DocumentQuerySet:
    """Return the document, also while its deletion can still be undone: no user ends a case by deleting for a while."""
    return Document.all_objects.exclude(status=Document.Status.REPLACED).filter(pk=subject)


def _with_versions(subject: str) -> DocumentQuerySet:
    """Return the document and its earlier versions, which old answers cite."""
    return Document.all_objects.filter(Q(pk=subject) | Q(replaces=subject))


def close_cases_of_deleted(subjects: Sequence[str]) -> None:
    """Close the cases of deleted documents and delete their redacted text. Must run inside the deleting transaction."""
    auto_close.close_deleted(KIND, *subjects)
    document_redaction.discard_redactions(subjects)


def flag_document(document: Document, verdicts: Sequence[Verdict]) -> None:
    """Open a case for each clause of the policy that requires review, with the passages that it is about."""
    by_code: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.evaluation is not None and verdict.evaluation.result.reviewed:
            by_code.setdefault(verdict.evaluation.result.code, []).append(verdict)
    for flagged in by_code.values():
        evaluations = [verdict.evaluation for verdict in flagged if verdict.evaluation is not None]
        highest = max(evaluations, key=lambda evaluation: evaluation.result.score)
        text = _SEPARATOR.join(evaluation.text for evaluation in evaluations[:_MAX_TEXTS])
        owner = get_responsible_user_id(document)
        signals = [
            replace(signal, spans=_locate_spans(signal.detector, evaluations[:_MAX_TEXTS]))
            for signal in highest.signals
        ]
        cases.flag_content(
            FlaggedContent(
                KIND, str(document.pk), "passage", text, owner, highest.result, signals, highest.policy_number
            )
        )


def _locate_spans(detector: str, records: Sequence[EvaluationRecord]) -> tuple[tuple[int, int], ...]:
    """Return the spans that the detector found, [start, end) in the shown texts joined by _SEPARATOR."""
    spans, before = [], 0
    for record in records:
        own = [span for signal in record.signals if signal.detector == detector for span in signal.spans]
        spans += [(before + start, before + end) for start, end in own]
        before += len(record.text) + len(_SEPARATOR)
    return tuple(dict.fromkeys(spans))


def get_responsible_user_id(document: Document) -> int:
    """Return the id of the user who uploaded the document; if that account is gone, of the collection's owner."""
    return document.uploaded_by_id or document.collection.owner_id
