"""Forms on accounts and invitations. Only the fields named here can change."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from apps.lib.outgoing_email import is_email_configured
from apps.users.models import User


class SignupFormBase(forms.Form):
    """Base of django-allauth's sign-up form that adds the name; allauth adds address and password."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Shown to users you share documents with. Optional."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ("name", "email", "password1", "password2")

    def signup(self, request: HttpRequest, user: User) -> None:
        """Store the name. Called by django-allauth after it has created the account."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        required=False,
        help_text=gettext_lazy(
            "The invitation is sent to this address and works only for it. If empty, anyone who has the link can "
            "use it."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_email_configured():
            self.fields["email"].help_text = gettext_lazy(
                "The invitation works only for this address. This site has no mail server, so you send the link "
                "yourself. If empty, anyone who has the link can use it."
            )

    def clean_email(self) -> str:
        return str(get_adapter().clean_email(self.cleaned_data["email"]))
