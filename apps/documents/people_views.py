"""What the owner of a collection decides: its name, who may read and edit it, and its end."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.documents import viewer
from apps.documents.forms import AddressForm, CollectionForm, EveryoneForm, ShareForm
from apps.documents.models import Collection
from apps.documents.sharing import delete_collection, share, shares, unshare


def _owned(request: HttpRequest, pk: UUID) -> Collection:
    return get_object_or_404(Collection.objects.owned_by(request.user).select_related("owner"), pk=pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, pk: UUID) -> HttpResponse:
    """With whom the collection is shared; a POST shares it with one more address, or changes the role of one."""
    collection = _owned(request, pk)
    form = ShareForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        share(collection, form.cleaned_data["email"], form.cleaned_data["role"])
        messages.success(request, f"Shared with {form.cleaned_data['email']}.")
        return redirect("documents:people", pk)
    context = {"collection": collection, "shares": shares(collection), "form": form, "tab": "people", "is_owner": True}
    return render(request, "documents/people.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The address may no longer read the collection."""
    collection = _owned(request, pk)
    form = AddressForm(request.POST)
    if form.is_valid():
        unshare(collection, form.cleaned_data["email"])
    return redirect("documents:people", pk)


@login_required
@require_POST
def everyone(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whether everyone who is signed in may read the collection."""
    form = EveryoneForm(request.POST, instance=_owned(request, pk))
    form.save()
    return redirect("documents:people", pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Name and description."""
    collection = _owned(request, pk)
    name = collection.name
    form = CollectionForm(request.POST if request.method == "POST" else None, instance=collection)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("documents:settings", pk)
    context = {"collection": collection, "name": name, "form": form, "tab": "settings", "is_owner": True}
    return render(request, "documents/settings.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Asks first; then the collection and all its documents are gone."""
    collection = _owned(request, pk)
    if request.method != "POST":
        context = {"collection": collection, "files": collection.documents.count()}
        return render(request, "documents/delete_collection.html", context)
    hashes = list(collection.documents.values_list("sha256", flat=True))
    delete_collection(collection)
    viewer.forget(hashes)
    messages.success(request, f"“{collection.name}” was deleted.")
    return redirect("documents:collections")
