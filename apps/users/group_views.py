"""The pages on which administrators make groups and say who belongs to them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.users import groups as verbs
from apps.users.access import administrators_only, person
from apps.users.models import User


class GroupForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=verbs.NAME_CHARACTERS)


class PersonForm(forms.Form):
    person = forms.ModelChoiceField(
        User.objects.all(), label=gettext_lazy("Person"), empty_label=gettext_lazy("Choose a person")
    )


class NewPersonForm(PersonForm):
    """Only people who do not belong to the group yet."""

    def __init__(self, group: Group, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["person"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = verbs.outside(group)


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: HttpRequest) -> HttpResponse:
    """All groups; a POST makes one and opens it."""
    form = GroupForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("users:group", verbs.create(form.cleaned_data["name"], person(request)).pk)
        except verbs.NameTaken:
            form.add_error("name", gettext("There is a group of this name."))
    context = {"groups": verbs.groups_for(person(request)), "form": form}
    return render(request, "users/groups.html", context, status=400 if form.errors else 200)


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """Who belongs to a group; a POST adds a person."""
    found = get_object_or_404(Group, pk=pk)
    form = NewPersonForm(found, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        verbs.add(found, form.cleaned_data["person"], person(request))
        return redirect("users:group", pk)
    context = {"group": found, "members": found.user_set.order_by("name", "email"), "form": form}
    return render(request, "users/group.html", context, status=400 if form.errors else 200)


@administrators_only
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """The person no longer belongs to the group."""
    found = get_object_or_404(Group, pk=pk)
    form = PersonForm(request.POST)
    if form.is_valid():
        verbs.remove(found, form.cleaned_data["person"], person(request))
    return redirect("users:group", pk)


@administrators_only
@require_POST
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Group, pk=pk)
    form = GroupForm(request.POST)
    try:
        if form.is_valid():
            verbs.rename(found, form.cleaned_data["name"], person(request))
        else:
            messages.error(
                request,
                gettext("A group has a name of at most %(name_characters)s characters.")
                % {"name_characters": verbs.NAME_CHARACTERS},
            )
    except verbs.NameTaken:
        messages.error(request, gettext("There is a group of this name."))
    return redirect("users:group", pk)


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks first; then the group is gone, and so is what was shared with it and nobody else."""
    found = get_object_or_404(Group, pk=pk)
    if request.method != "POST":
        return render(request, "users/delete_group.html", {"group": found})
    verbs.delete(found, person(request))
    messages.success(request, gettext("“%(name)s” was deleted.") % {"name": found.name})
    return redirect("users:groups")
