"""Views for owners of a collection: name, shares and deletion. Others get 404."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.documents.library.sharing import (
    delete_collection,
    list_address_shares,
    list_group_shares,
    revoke_address,
    revoke_group,
    set_public_access,
    share_with_address,
    share_with_group,
)
from apps.documents.models import Collection, Role
from apps.documents.reader import page_view
from apps.documents.web.forms import (
    AddressForm,
    CollectionForm,
    CollectionShareForm,
    GroupChoiceForm,
    GroupShareForm,
)
from apps.safety.models.feature_restrictions import Feature, is_blocked
from apps.users.groups import list_visible_groups
from apps.users.permissions import get_signed_in_user


def _owned(request: HttpRequest, pk: UUID) -> Collection:
    return get_object_or_404(Collection.objects.owned_by(request.user).select_related("owner"), pk=pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_sharing(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the shares of a collection; POST shares it with an address, or changes the role of one."""
    collection = _owned(request, pk)
    if request.method == "POST" and is_blocked(request, Feature.SHARING):
        return redirect("documents:people", pk)
    form = CollectionShareForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        user = get_signed_in_user(request)
        email = form.cleaned_data["email"]
        if share_with_address(user, collection, email, form.cleaned_data["role"]):
            # The same for every address: no page may tell who has an account.
            message = gettext(
                "Shared with %(email)s. If no account has this e-mail address yet, "
                "the user who signs up with it and confirms it gets access."
            )
            messages.success(request, message % {"email": email})
        elif collection.owner_id == user.pk:
            messages.info(request, gettext("You own this collection."))
        else:
            messages.info(request, gettext("%(owner)s owns this collection.") % {"owner": collection.owner})
        return redirect("documents:people", pk)
    return _people(request, collection, form, GroupShareForm(offered=_list_new_groups(request, collection)))


def _list_new_groups(request: HttpRequest, collection: Collection) -> QuerySet[Group]:
    """Return the groups that the user may share with and that have no access yet."""
    return list_visible_groups(request.user).exclude(pk__in=collection.group_shares.values("group"))


@login_required
@require_POST
def edit_group_share(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Share the collection with a group, or change the role of its members."""
    collection = _owned(request, pk)
    if is_blocked(request, Feature.SHARING):
        return redirect("documents:people", pk)
    visible, shared = list_visible_groups(request.user).values("pk"), collection.group_shares.values("group")
    offered = Group.objects.filter(Q(pk__in=visible) | Q(pk__in=shared))
    form = GroupShareForm(request.POST, offered=offered)
    if not form.is_valid():
        return _people(request, collection, CollectionShareForm(), form)
    share_with_group(get_signed_in_user(request), collection, form.cleaned_data["group"], form.cleaned_data["role"])
    messages.success(
        request, gettext("Shared with the group %(cleaned_data)s.") % {"cleaned_data": form.cleaned_data["group"]}
    )
    return redirect("documents:people", pk)


@login_required
@require_POST
def remove_group_share(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove the share with a group. Its members keep access through other shares."""
    collection = _owned(request, pk)
    form = GroupChoiceForm(request.POST, offered=Group.objects.filter(shares__collection=collection))
    if form.is_valid():
        revoke_group(request.user, collection, form.cleaned_data["group"].pk)
    return _redirect_to_settings(request, collection)


def _people(
    request: HttpRequest, collection: Collection, form: CollectionShareForm, group_form: GroupShareForm
) -> HttpResponse:
    offered = _list_new_groups(request, collection).exists()
    context = {
        "collection": collection,
        "files": collection.documents.count(),
        "shares": list_address_shares(collection),
        "groups": list_group_shares(collection),
        "form": form,
        "group_form": group_form,
        "offered": offered,
        "shared_with_all_groups": not offered and list_visible_groups(request.user).exists(),
        "roles": Role.choices,
        "tab": "people",
        "is_owner": True,
    }
    bad = bool(form.errors or group_form.errors)
    return render(request, "documents/people.html", context, status=400 if bad else 200)


@login_required
@require_POST
def remove_address(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove the share with an address."""
    collection = _owned(request, pk)
    form = AddressForm(request.POST)
    if form.is_valid():
        revoke_address(request.user, collection, form.cleaned_data["email"])
    return _redirect_to_settings(request, collection)


def _redirect_to_settings(request: HttpRequest, collection: Collection) -> HttpResponse:
    """Redirect to the shares, or to the list of collections if the user has just given up ownership."""
    if Collection.objects.owned_by(request.user).filter(pk=collection.pk).exists():
        return redirect("documents:people", collection.pk)
    messages.success(request, gettext("You are no longer an owner of “%(name)s”.") % {"name": collection.name})
    return redirect("documents:collections")


@login_required
@require_POST
def edit_public_access(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Set whether every signed-in user may read the collection."""
    collection, enabled = _owned(request, pk), "everyone" in request.POST
    if not (enabled and is_blocked(request, Feature.SHARING)):
        set_public_access(request.user, collection, enabled=enabled)
        messages.success(
            request,
            gettext("Shared with all users of this site.")
            if enabled
            else gettext("No longer shared with all users of this site."),
        )
    return redirect("documents:people", pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_collection(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Edit name and description."""
    collection = _owned(request, pk)
    name = collection.name
    form = CollectionForm(request.POST if request.method == "POST" else None, instance=collection)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, gettext("Saved."))
        return redirect("documents:settings", pk)
    context = {"collection": collection, "name": name, "form": form, "tab": "settings", "is_owner": True}
    return render(request, "documents/settings.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a confirmation; POST deletes the collection and all its documents."""
    collection = _owned(request, pk)
    if request.method != "POST":
        context = {"collection": collection, "files": collection.documents.count()}
        return render(request, "documents/delete_collection.html", context)
    hashes = list(collection.documents.values_list("sha256", flat=True))
    delete_collection(request.user, collection)
    page_view.delete_cached_images(hashes)
    messages.success(request, gettext("“%(name)s” deleted.") % {"name": collection.name})
    return redirect("documents:collections")
