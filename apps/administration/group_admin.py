"""Admin of groups: only the name can change here. Members and deletion are on the page of the group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.admin import display
from django.contrib.auth.models import Group
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.administration.model_admin import ChangeRefused, GuardedModelAdmin
from apps.users import groups
from apps.users.models import User

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    GroupForm = forms.ModelForm[Group]
else:
    GroupForm = forms.ModelForm


class GroupAdminForm(GroupForm):
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=groups.NAME_CHARACTERS, widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Group
        fields: ClassVar = ["name"]
        error_messages: ClassVar = {"name": {"unique": gettext_lazy("There is a group of this name.")}}


class GroupAdmin(GuardedModelAdmin):
    """Admin of groups that renames through `apps.users.groups`."""

    title = gettext_lazy("Groups")
    form = GroupAdminForm
    list_display = ("name", "people", "shared")
    search_fields = ("name",)
    search_help_text = gettext_lazy("Name")
    ordering = ("name",)
    fields = ("name", "people", "shared", "page")
    readonly_fields = ("people", "shared", "page")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        people = Count("user", filter=Q(user__is_active=True), distinct=True)
        return Group.objects.annotate(members=people, collections=Count("shares__collection", distinct=True))

    def verb(self, user: User, row: Group, form: GroupAdminForm) -> None:
        try:
            groups.rename_group(row, form.cleaned_data["name"], user)
        except groups.NameTaken as error:
            raise ChangeRefused(gettext("There is a group of this name.")) from error

    @display(description=gettext_lazy("People"), ordering="members")
    def people(self, row: Any) -> int:
        return int(row.members)

    @display(description=gettext_lazy("Collections shared with it"), ordering="collections")
    def shared(self, row: Any) -> int:
        return int(row.collections)

    @display(description=gettext_lazy("Members, and deleting it"))
    def page(self, row: Group) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("users:group", args=[row.pk]), gettext("Its own page"))
