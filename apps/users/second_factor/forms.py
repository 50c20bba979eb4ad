"""Forms of the second factor: the code or passkey of a sign-in, and a new app or passkey."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy

from apps.users import rate_limits, sign_in_limits
from apps.users.second_factor import codes, factors, passkeys

_CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false", "data-first": ""}
_LONGEST_CODE = 40  # characters, with the spaces that people type


class CodeForm(AuthenticateForm):  # type: ignore[misc]
    """Form of a sign-in's code. Each wrong code counts for the account."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=_LONGEST_CODE,
        widget=forms.TextInput(attrs=_CODE),
        help_text=gettext_lazy("The six digits that your app shows, or one of your recovery codes."),
    )

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        try:
            bucket = sign_in_limits.count_code(context.request, self.user)
        except rate_limits.RateLimited as error:
            raise ValidationError(str(error)) from error
        used = codes.use_code(self.user, code)
        if used is None:
            raise ValidationError(gettext("This code is wrong, or it was used already. Wait for the next one."))
        rate_limits.refund(bucket)
        self.authenticator = used
        return code

    def save(self) -> None:
        super().save()
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            factors.record_recovery_code(self.user)


class SecondPasskeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc]
    """Form of the passkey that is asked for after the password."""

    def clean_credential(self) -> Authenticator:
        return passkeys.find_used(self.cleaned_data["credential"], self.user)


class VerifiedPasskeyMixin:
    """Mixin of the forms in which a passkey replaces the password: its device must check the user."""

    user: Any
    cleaned_data: dict[str, Any]

    def clean_credential(self) -> Authenticator:
        return passkeys.find_verified(self.cleaned_data["credential"], self.user)


class PasskeySignInForm(VerifiedPasskeyMixin, LoginWebAuthnForm):  # type: ignore[misc]
    """Form of the passkey that signs in without a password."""


class PasskeyReauthenticateForm(VerifiedPasskeyMixin, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Form of the passkey in place of the password that sensitive pages ask for again."""


class PasskeyNameForm(forms.Form):
    """Form of the name by which a user recognises a passkey."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)


class AppForm(forms.Form):
    """Form of the first code of a new app. `step` is the time step of the code."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=_LONGEST_CODE,
        widget=forms.TextInput(attrs={name: value for name, value in _CODE.items() if name != "data-first"}),
        help_text=gettext_lazy("The six digits that the app shows now."),
    )
    step: int

    def __init__(self, *args: Any, secret: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.secret = secret

    def clean_code(self) -> str:
        step = codes.find_step(self.secret, self.cleaned_data["code"])
        if step is None:
            raise ValidationError(
                gettext("This is not the code of this key. Check the clock of the device, and try again.")
            )
        self.step = step
        return str(self.cleaned_data["code"])


class PasskeyForm(forms.Form):
    """Form of a new passkey, which the browser has made."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("By which you recognise the device, such as “Office laptop”."),
    )
    credential = forms.JSONField(widget=forms.HiddenInput)

    def clean_name(self) -> str:
        return str(self.cleaned_data["name"]) or gettext("Passkey")

    def clean_credential(self) -> Any:
        passkeys.check_new(self.cleaned_data["credential"])
        return self.cleaned_data["credential"]
