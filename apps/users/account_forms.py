"""Forms of django-allauth with our labels and help texts, and without placeholders that repeat the labels."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy

PASSWORD_HELP = gettext_lazy("At least 10 characters. A few unrelated words are easy to remember and hard to guess.")
DIFFERENT = gettext_lazy("The passwords do not match. Enter the same password twice.")
_LABELS = {
    "login": gettext_lazy("E-mail address"),
    "email": gettext_lazy("E-mail address"),
    "oldpassword": gettext_lazy("Current password"),
    "password2": gettext_lazy("Repeat password"),
}


class AccountFormMixin:
    """Mixin of allauth forms that changes labels, help texts and words of errors, never validation."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        new = gettext("New password") if "oldpassword" in self.fields else gettext("Password")
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = _LABELS.get(name, new if name == "password1" else field.label)
            if name in {"password", "password1", "password2", "oldpassword"}:
                field.help_text = PASSWORD_HELP if name == "password1" else ""

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error. In place of django-allauth's words about two passwords that differ, add those of this site."""
        if field == "password2" and not isinstance(error, ValidationError):
            error = DIFFERENT
        super().add_error(field, error)  # type: ignore[misc]


class LoginForm(AccountFormMixin, allauth_forms.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["data-first"] = ""  # static/js/pages/base.js focuses it


class SignupForm(AccountFormMixin, allauth_forms.SignupForm):  # type: ignore[misc]
    def clean(self) -> Any:
        """Report that the passwords differ even if the first one is invalid: django-allauth compares only valid
        ones."""
        cleaned = super().clean()
        first, second = (self.data.get(self.add_prefix(name), "") for name in ("password1", "password2"))
        if second and first != second and not self.has_error("password2"):
            self.add_error("password2", DIFFERENT)
        return cleaned


class ReauthenticateForm(AccountFormMixin, allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    pass


class ChangePasswordForm(AccountFormMixin, allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPasswordForm(AccountFormMixin, allauth_forms.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordForm(AccountFormMixin, allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(AccountFormMixin, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    pass
