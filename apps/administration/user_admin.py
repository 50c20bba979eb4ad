"""Admin of users: role, suspension and groups. Shows neither texts nor secrets of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.admin import display
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.administration.model_admin import ChangeRefused, GuardedModelAdmin
from apps.safety.errors import ActionRefused
from apps.safety.models.feature_restrictions import DURATION_DAYS
from apps.safety.moderation import account_suspensions
from apps.users import accounts, groups
from apps.users.models import User
from apps.users.views.users import LAST_ADMINISTRATOR

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:
    UserForm = forms.ModelForm


class UserAdminForm(UserForm):
    """Form of role, suspension with reason and duration, and groups."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=User.Role.choices, widget=UnfoldAdminSelectWidget)
    is_active = forms.BooleanField(
        label=gettext_lazy("May sign in"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("Without it the person is suspended: signed out everywhere at once, nothing deleted."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason of a suspension"),
        required=False,
        max_length=account_suspensions.MOST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=gettext_lazy("The person reads it, and can appeal."),
    )
    days = forms.ChoiceField(
        label=gettext_lazy("How long"),
        required=False,
        choices=[
            ("", gettext_lazy("Choose")),
            *((n, ngettext_lazy("%(n)s day", "%(n)s days", "n") % {"n": n}) for n in DURATION_DAYS),
            (account_suspensions.UNLIMITED, gettext_lazy("Until an administrator lifts it")),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        label=gettext_lazy("Groups"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = User
        fields: ClassVar = ["role", "is_active", "groups"]


class UserAdmin(GuardedModelAdmin):
    """Admin of users that changes each field through the service that the pages use."""

    title = gettext_lazy("People")
    form = UserAdminForm
    list_display = ("who", "email", "part", "may", "teams", "since", "seen")
    search_fields = ("name", "email")
    search_help_text = gettext_lazy("Name or address")
    ordering = ("name", "email")
    fields = ("email", "since", "seen", "role", "is_active", "reason", "days", "groups")
    readonly_fields = ("email", "since", "seen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.prefetch_related("groups").defer("password", "instructions", "facts")

    def verb(self, user: User, row: User, form: UserAdminForm) -> None:
        """Change each field through the service of the user pages, so that rules and log entries are the same."""
        values = form.cleaned_data
        try:
            if "role" in form.changed_data:
                accounts.set_role(row, values["role"], user)
            if "is_active" in form.changed_data:
                if values["is_active"]:
                    accounts.reinstate_user(row, user)
                else:
                    account_suspensions.suspend_account(user, row, values["reason"], int(values["days"] or -1))
        except accounts.LastAdministrator as error:
            raise ChangeRefused(LAST_ADMINISTRATOR) from error
        except ActionRefused as error:
            raise ChangeRefused(str(error)) from error
        before, after = set(row.groups.all()), set(values["groups"])
        for group in after - before:
            groups.add_member(group, row, user)
        for group in before - after:
            groups.remove_member(group, row, user)

    @display(description=gettext_lazy("Name"), ordering="name")
    def who(self, row: User) -> str:
        return str(row)

    @display(description=gettext_lazy("Role"), ordering="role")
    def part(self, row: User) -> str:
        return str(User.Role(row.role).label)

    @display(description=gettext_lazy("May sign in"), boolean=True, ordering="is_active")
    def may(self, row: User) -> bool:
        return row.is_active

    @display(description=gettext_lazy("Groups"))
    def teams(self, row: User) -> str:
        return ", ".join(sorted(group.name for group in row.groups.all()))

    @display(description=gettext_lazy("Since"), ordering="date_joined")
    def since(self, row: User) -> Any:
        return row.date_joined

    @display(description=gettext_lazy("Last signed in"), ordering="last_login")
    def seen(self, row: User) -> Any:
        return row.last_login
