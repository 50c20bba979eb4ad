"""Forms of set-up and of the settings page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy

from apps.conversations.models import AnswerStyle, Assistant, ModelProfile, ShownSentences
from apps.operations import first_administrator
from apps.users.models import SiteSettings, User
from apps.users.second_factor import requirement

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")

if TYPE_CHECKING:
    SiteForm = forms.ModelForm[SiteSettings]
    StyleForm = forms.ModelForm[Assistant]
    ProfileForm = forms.ModelForm[ModelProfile]
else:
    SiteForm = StyleForm = ProfileForm = forms.ModelForm


class AdministratorForm(forms.Form):
    """Form of the first administrator. It asks for the set-up code if the page may be reachable by others."""

    name = forms.CharField(
        max_length=120, label=gettext_lazy("Your name"), widget=forms.TextInput({"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        widget=forms.EmailInput({"autocomplete": "username"}),
        help_text=gettext_lazy("You sign in with this address. Nothing is sent to it now."),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least 10 characters. A few unrelated words are easy to remember and hard to guess."),
    )
    code = forms.CharField(
        label=gettext_lazy("Setup code"),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("You find it in the log of the machine on which Openbook runs."),
    )

    def __init__(self, *args: Any, code_needed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not code_needed:
            del self.fields["code"]

    def clean_code(self) -> str:
        given = str(self.cleaned_data["code"])
        if not first_administrator.is_setup_code(given):
            raise ValidationError(gettext("Wrong code. It is written to the log each time this page opens."))
        return given

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if password := values.get("password"):
            try:
                validate_password(password, User(email=values.get("email", ""), name=values.get("name", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return values


class SignupModeForm(SiteForm):
    """Form of the rules of sign-up and sign-in of the site, and of its texts.

    `by` is the administrator who edits it, `by_provider` whether that administrator signed in at the provider.
    """

    def __init__(self, *args: Any, by: User, by_provider: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.by, self.by_provider = by, by_provider

    def clean_second_factor(self) -> str:
        """Return the rule. An administrator who has no second factor cannot require one of themselves."""
        rule = str(self.cleaned_data["second_factor"])
        if requirement.covers(rule, self.by) and not self.by_provider and not requirement.has_factor(self.by):
            raise ValidationError(gettext("Set up your own second factor first: you would need it at once."))
        return rule

    class Meta:
        model = SiteSettings
        fields = ["signup", "signup_domains", "signup_approval", "second_factor", "instructions", "banner"]
        labels = {
            "signup": gettext_lazy("Who can sign up"),
            "signup_domains": gettext_lazy("Domains"),
            "signup_approval": gettext_lazy("An administrator approves each of them"),
            "second_factor": gettext_lazy("Who needs a second factor"),
            "instructions": gettext_lazy("Instructions for every answer"),
            "banner": gettext_lazy("Banner"),
        }
        help_texts = {
            "signup_domains": gettext_lazy("Such as example.org, several with spaces between them."),
            "instructions": gettext_lazy(
                "They come before those of the assistant: the tone of the house, for example, or whom to ask."
            ),
            "banner": gettext_lazy("One sentence above every page, for signed-in users. Leave it empty for none."),
        }
        widgets = {
            "signup": forms.RadioSelect,
            "second_factor": forms.RadioSelect,
            "instructions": forms.Textarea(attrs={"rows": 4}),
        }

    def clean_signup_domains(self) -> str:
        given = self.cleaned_data["signup_domains"].casefold().replace(",", " ").split()
        names = [name.removeprefix("@") for name in given]
        if wrong := next((name for name in names if not _DOMAIN.fullmatch(name)), ""):
            raise ValidationError(gettext("“%(name)s” is no domain. Write it as example.org.") % {"name": wrong})
        return " ".join(dict.fromkeys(names))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("signup") == SiteSettings.Signup.DOMAINS and not values.get("signup_domains", "-"):
            self.add_error("signup_domains", gettext("Enter a domain, or choose another rule."))
        return values


class DefaultStyleForm(StyleForm):
    """Form of the answer style of the default assistant."""

    class Meta:
        model = Assistant
        fields = ["style", "shown_sentences"]
        labels = {
            "style": gettext_lazy("Answer style"),
            "shown_sentences": gettext_lazy("Sentences shown"),
        }
        widgets = {"style": forms.RadioSelect, "shown_sentences": forms.RadioSelect}


class ModelStyleForm(ProfileForm):
    """Form of the answer style of one chat model."""

    style = forms.ChoiceField(choices=AnswerStyle.choices, label=gettext_lazy("Answer style with this model"))
    shown_sentences = forms.ChoiceField(
        choices=ShownSentences.choices, label=gettext_lazy("Sentences shown with this model")
    )

    class Meta:
        model = ModelProfile
        fields = ["style", "shown_sentences"]
