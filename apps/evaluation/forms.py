"""Forms of golden questions, search settings and the search preview."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext, gettext_lazy

from apps.documents.models import Chunk, Collection, Document
from apps.documents.settings import SETTING_BOUNDS


class GoldenQuestionForm(forms.Form):
    """Form of a golden question with at least one criterion: a document, a passage, or expected words.

    Only ready documents of the collection, and their passages, are accepted.
    """

    text = forms.CharField(label=gettext_lazy("Question"), max_length=500)
    document = forms.ModelChoiceField(
        Document.objects.none(),
        required=False,
        label=gettext_lazy("Document with the answer"),
        empty_label=gettext_lazy("Any"),
    )
    chunk = forms.ModelChoiceField(Chunk.objects.none(), required=False, widget=forms.HiddenInput)
    expected_words = forms.CharField(
        required=False,
        max_length=400,
        label=gettext_lazy("Words that the passages must contain"),
        help_text=gettext_lazy("Separated by commas. You can combine them with a document."),
    )

    def __init__(self, collection: Collection, data: Any = None) -> None:
        super().__init__(data)
        ready = Document.objects.filter(collection=collection, status=Document.Status.READY)
        chunks = Chunk.objects.filter(document__in=ready).select_related("document").defer("vector")
        self.fields["document"].queryset = ready.order_by("title", "name")  # type: ignore[attr-defined]
        self.fields["chunk"].queryset = chunks  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not (
            data.get("document") or data.get("chunk") or data.get("expected_words", "").strip(", ")
        ):
            raise forms.ValidationError(
                gettext("Choose the document with the answer, or enter words that the passages must contain.")
            )
        return data


class TuningForm(forms.Form):
    """Form of a collection's search settings: chunk size, weights, relevance threshold, embedding model, reranking."""

    chunk_tokens = forms.IntegerField(
        label=gettext_lazy("Passage length"),
        help_text=gettext_lazy(
            "In tokens: three are about two words. Short passages give more exact sources, long ones give answers more "
            "context. If you change it, every document is read again."
        ),
    )
    vector_weight = forms.FloatField(
        label=gettext_lazy("Words or meaning"),
        help_text=gettext_lazy(
            "0 finds passages only by the words of the question, 1 only by its meaning. Use a lower value for names "
            "and codes, a higher one for questions in everyday words."
        ),
    )
    relevance_threshold = forms.FloatField(
        label=gettext_lazy("Minimum relevance"),
        help_text=gettext_lazy(
            "From 0 to 0.9: less relevant passages are not used. With a higher value, fewer sources are unsuitable, "
            "but nothing is found for more questions."
        ),
    )

    embedder = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Embedding model"),
        help_text=gettext_lazy(
            "Compares the meaning of questions and passages. Choose one that knows the languages of your documents; "
            "every document is then read again."
        ),
    )
    rerank = forms.BooleanField(
        required=False,
        label=gettext_lazy("Check the best passages again"),
        help_text=gettext_lazy(
            "A second model, the reranker, reads the first 20 passages together with the question. The sources fit "
            "better, but the answer starts later."
        ),
    )

    def __init__(self, data: Any, initial: dict[str, Any], *, reranker: bool, embedders: dict[str, str]) -> None:
        """Build the form. `embedders` maps the names that can be chosen to their labels.

        `reranker`: whether the site has one; without it the field is removed.
        """
        super().__init__(data, initial=initial)
        if not reranker:
            del self.fields["rerank"]
        if len(embedders) > 1 or initial.get("embedder"):  # also shown if the present one is no longer configured
            self.fields["embedder"].choices = list(embedders.items())  # type: ignore[attr-defined]
        else:
            del self.fields["embedder"]
        for name, limit in SETTING_BOUNDS.items():
            field = self.fields[name]
            field.validators += [MinValueValidator(limit.low), MaxValueValidator(limit.high)]
            field.widget.attrs |= {"min": f"{limit.low:g}", "max": f"{limit.high:g}", "step": f"{limit.step:g}"}


class SearchPreviewForm(forms.Form):
    q = forms.CharField(required=False, max_length=500)
