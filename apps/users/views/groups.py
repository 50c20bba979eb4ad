"""Pages on which administrators create groups and change their members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.lib.table import Column, read_table_request
from apps.users import groups as verbs
from apps.users.models import User
from apps.users.permissions import administrator_required, get_signed_in_user
from apps.users.user_field import UserField


class GroupNameForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=verbs.NAME_CHARACTERS)


class GroupMemberForm(forms.Form):
    person = UserField()


class UserGroupsForm(forms.Form):
    """Form for the groups of a user; a number that is no group's, of any length, is an invalid choice."""

    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Groups"), required=False, choices=lambda: Group.objects.values_list("pk", "name")
    )


class NewGroupMemberForm(GroupMemberForm):
    """Form that accepts only active users who are not in the group yet."""

    def __init__(self, group: Group, data: Any = None) -> None:
        super().__init__(data)
        self.group = group

    def clean_person(self) -> User:
        user: User = self.cleaned_data["person"]
        if not user.is_active:
            raise forms.ValidationError(gettext("This account is suspended."))
        if user.groups.contains(self.group):
            raise forms.ValidationError(gettext("This user is already in the group."))
        return user


GROUP_COLUMNS = (
    Column("name", gettext_lazy("Name"), ("name",)),
    Column("members", gettext_lazy("Members"), ("people", "name")),
    Column("collections", gettext_lazy("Shared collections"), ("collections", "name")),
)


@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_groups(request: HttpRequest) -> HttpResponse:
    """List all groups; a POST creates one and redirects to it."""
    form = GroupNameForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(
                "users:group", verbs.create_group(form.cleaned_data["name"], get_signed_in_user(request)).pk
            )
        except verbs.NameTaken:
            form.add_error("name", gettext("A group with this name already exists."))
    table = read_table_request(request.GET, GROUP_COLUMNS)
    rows = verbs.list_visible_groups(get_signed_in_user(request), table.text)
    context = {"table": table, "page": table.paginate(rows), "form": form}
    return render(request, "users/groups.html", context, status=400 if form.errors else 200)


@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_group(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the members of a group, and the collections and assistants that are shared with it; a POST adds a member."""
    found = get_object_or_404(Group, pk=pk)
    form = NewGroupMemberForm(found, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        user = form.cleaned_data["person"]
        verbs.add_member(found, user, get_signed_in_user(request))
        messages.success(request, gettext("%(user)s added to the group.") % {"user": user})
        return redirect("users:group", pk)
    prefetch_related_objects([found], "shares__collection", "assistant_shares__assistant")
    context = {"group": found, "members": found.user_set.order_by("name", "email"), "form": form}
    return render(request, "users/group.html", context, status=400 if form.errors else 200)


@administrator_required
@require_POST
def remove_member(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a user from the group."""
    found = get_object_or_404(Group, pk=pk)
    form = GroupMemberForm(request.POST)
    if form.is_valid():
        user = form.cleaned_data["person"]
        verbs.remove_member(found, user, get_signed_in_user(request))
        messages.success(request, gettext("%(user)s removed from the group.") % {"user": user})
    return redirect("users:group", pk)


@administrator_required
@require_POST
def change_groups_of_user(request: HttpRequest, pk: int) -> HttpResponse:
    """Add the user to the groups of the form, and remove the user from all others."""
    found = get_object_or_404(User, pk=pk)
    form = UserGroupsForm(request.POST)
    if form.is_valid():
        verbs.set_groups(found, Group.objects.filter(pk__in=form.cleaned_data["groups"]), get_signed_in_user(request))
        messages.success(request, gettext("Saved."))
    else:
        messages.error(request, gettext("One of these groups no longer exists. Nothing was changed."))
    return redirect("users:user", pk)


@administrator_required
@require_POST
def rename_group(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename the group, and report a taken or invalid name as a message."""
    found = get_object_or_404(Group, pk=pk)
    form = GroupNameForm(request.POST)
    try:
        if form.is_valid():
            verbs.rename_group(found, form.cleaned_data["name"], get_signed_in_user(request))
        else:
            messages.error(
                request,
                gettext("Enter a group name of at most %(name_characters)s characters.")
                % {"name_characters": verbs.NAME_CHARACTERS},
            )
    except verbs.NameTaken:
        messages.error(request, gettext("A group with this name already exists."))
    return redirect("users:group", pk)


@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_group(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation; a POST deletes the group with its shares."""
    found = get_object_or_404(Group, pk=pk)
    if request.method != "POST":
        return render(request, "users/delete_group.html", {"group": found})
    verbs.delete_group(found, get_signed_in_user(request))
    messages.success(request, gettext("“%(name)s” deleted.") % {"name": found.name})
    return redirect("users:groups")
