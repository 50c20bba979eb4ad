"""Views of a collection's passages: list, switch on and off, set keywords."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.documents.library.passage_edits import KEYWORD_CHARACTERS, list_passages, set_enabled, set_keywords
from apps.documents.models import Chunk, Document
from apps.documents.web.collection_context import get_collection_context


class FilterForm(forms.Form):
    """Form for filters of the list; malformed values are ignored."""

    q = forms.CharField(required=False, max_length=200)
    show = forms.CharField(required=False, max_length=20)
    document = forms.UUIDField(required=False)
    page = forms.IntegerField(required=False, min_value=1, max_value=100_000)


class SwitchForm(forms.Form):
    """Form for switching a passage on or off."""

    enabled = forms.TypedChoiceField(
        choices=[("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))], coerce=lambda value: value == "yes"
    )


class KeywordsForm(forms.Form):
    """Form for the keywords of a passage."""

    keywords = forms.CharField(required=False, max_length=KEYWORD_CHARACTERS)


@login_required
@require_safe
def show_passages(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a page of the collection's passages that pass the filter."""
    here = get_collection_context(request, pk, "passages")
    form = FilterForm(request.GET)
    form.is_valid()
    cleaned = form.cleaned_data
    passages = list_passages(
        here.collection, show=cleaned.get("show", ""), text=cleaned.get("q", ""), document=cleaned.get("document"),
        number=cleaned.get("page") or 1,
    )  # fmt: skip
    query = {
        "q": passages.text,
        "show": passages.show,
        "document": str(passages.document.pk) if passages.document else "",
    }
    context = {
        **here.context,
        "passages": passages,
        "query": urlencode({name: value for name, value in query.items() if value}),
        "unfiltered": urlencode({name: value for name, value in query.items() if value and name != "show"}),
    }
    return render(request, "documents/passages.html", context)


@login_required
@require_POST
def switch_passage(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Switch a passage on or off, from the next question on."""
    chunk = _editable(request, pk, number)
    form = SwitchForm(request.POST)
    if form.is_valid():
        set_enabled(request.user, chunk, enabled=form.cleaned_data["enabled"])
    return _after(request, chunk, annotating=False)


@login_required
@require_POST
def edit_keywords(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Set keywords by which the passage is found besides its text."""
    chunk = _editable(request, pk, number)
    form = KeywordsForm(request.POST)
    if form.is_valid():
        set_keywords(request.user, chunk, form.cleaned_data["keywords"])
    return _after(request, chunk, annotating=True)


def _editable(request: HttpRequest, pk: UUID, number: int) -> Chunk:
    """Return the passage with this number, from 1 through the document. Raises Http404 if the user may not edit it."""
    document = get_object_or_404(Document.objects.editable_by(request.user), pk=pk)
    rows = Chunk.objects.select_related("document", "segment").defer("vector")
    return get_object_or_404(rows, document=document, position=number - 1)


def _after(request: HttpRequest, chunk: Chunk, *, annotating: bool) -> HttpResponse:
    if request.headers.get("HX-Request"):
        context = {"chunk": chunk, "can_edit": True, "annotating": annotating}
        return render(request, "documents/_passage_item.html", context)
    page = reverse("documents:passages", args=[chunk.document.collection_id])
    return redirect(f"{page}?document={chunk.document_id}#passage-{chunk.pk}")
