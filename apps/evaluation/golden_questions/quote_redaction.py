"""Redact the quotes of golden questions, and sentences of answer runs, when a document is redacted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from apps.documents.models import Page
from apps.evaluation.models import GoldenQuestion, WrongCitation
from apps.lib.text.text_normalization import normalize_text
from apps.safety.gate import span_redaction
from apps.safety.text.redaction_marks import REDACTION_CHARACTER, redact_spans

BESIDE = "golden questions"


def redact_questions(documents: Collection[UUID], terms: Sequence[str]) -> dict[str, Any]:
    """Redact the terms in golden questions and wrong citations of the documents.

    Return, per question id, what `restore_questions` needs. Sentences of answer runs are not restored. Call after the
    pages were redacted, inside the transaction of the decision.
    """
    before, pattern = {}, span_redaction.compile_terms(terms)
    for citation in WrongCitation.objects.select_for_update().filter(document__in=documents):
        redacted = redact_spans(citation.sentence, [match.span() for match in pattern.finditer(citation.sentence)])
        if redacted != citation.sentence:
            WrongCitation.objects.filter(pk=citation.pk).update(sentence=redacted)
    for row in GoldenQuestion.objects.select_for_update().filter(document__in=documents).exclude(quote=""):
        text = redact_spans(row.quote, [match.span() for match in pattern.finditer(row.quote)])
        page = Page.objects.filter(document=row.document_id, number=row.page_number).values_list("text", flat=True)
        begins = normalize_text((page.first() or "")[row.char_start : row.char_end])[: len(row.quote)]
        spans = [
            (at, at + 1) for at, char in enumerate(begins) if char == REDACTION_CHARACTER and len(begins) == len(text)
        ]
        text = redact_spans(text, spans)
        if text != row.quote:
            before[str(row.pk)] = [(at, was) for at, was in enumerate(row.quote) if text[at] != was]
            GoldenQuestion.objects.filter(pk=row.pk).update(quote=text)
    return before


def restore_questions(before: dict[str, Any]) -> None:
    """Restore the redacted characters of the quotes."""
    for row in GoldenQuestion.objects.filter(pk__in=before):
        text = span_redaction.restore_spans(row.quote, before[str(row.pk)])
        GoldenQuestion.objects.filter(pk=row.pk).update(quote=text)
