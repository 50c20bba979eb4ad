"""Forms of model servers and their models. The key of a server is written and never shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext, gettext_lazy

from apps.conversations.core import model_servers
from apps.conversations.models import HelperServer, ModelServer, ServedModel
from apps.engines.classify import guard_formats
from apps.engines.judge import formats as judge_formats
from apps.engines.types import EngineError, ModelInfo
from apps.safety.errors import ActionRefused
from apps.users.i18n import translate_stored

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class NewModelServerForm(forms.Form):
    """Form of a new server. It is valid only if the server lists its models, which are `offered` then."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60, help_text=gettext_lazy("For administrators."))
    url = forms.CharField(
        label=gettext_lazy("Address"), max_length=400,
        help_text=gettext_lazy(
            "With its /v1, such as https://api.example.com/v1. What is not public must be listed in LLM_HOSTS."
        ),
    )  # fmt: skip
    key = forms.CharField(
        label=gettext_lazy("Key"), max_length=500, required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Stored encrypted, and never shown again. Leave it empty if the server needs none."),
    )  # fmt: skip

    def __init__(self, *args: Any, server: ModelServer | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.server = server
        self.offered: list[ModelInfo] = []

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = ModelServer.objects.filter(name__iexact=name)
        if (others.exclude(pk=self.server.pk) if self.server else others).exists():
            raise forms.ValidationError(gettext("There is already a server with this name."))
        return name

    def clean_url(self) -> str:
        try:
            return model_servers.check_url(self.cleaned_data["url"])
        except ActionRefused as error:
            raise forms.ValidationError(str(error)) from error

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"].strip()
        if not (key.isascii() and key.isprintable()):
            raise forms.ValidationError(gettext("A key has only letters, digits and signs of the keyboard."))
        return key

    def clean(self) -> dict[str, Any]:
        """Ask the server for its models."""
        given = super().clean() or self.cleaned_data
        if not self.errors and self.is_asked(given):
            try:
                self.offered = asyncio.run(model_servers.ask_models(given["url"], self.get_key(given)))
            except EngineError as error:
                self.add_error("url", translate_stored(str(error)))
            except TimeoutError:
                self.add_error("url", gettext("The model server took too long."))
        return given

    def is_asked(self, given: dict[str, Any]) -> bool:
        """Return whether the server is asked before it is stored."""
        return True

    def get_key(self, given: dict[str, Any]) -> str:
        """Return the key to send."""
        return str(given["key"])


class ModelServerForm(NewModelServerForm):
    """Form of a stored server. An empty key keeps the stored one, unless the address names another host."""

    outside = forms.BooleanField(
        label=gettext_lazy("Outside the house"), required=False,
        help_text=gettext_lazy(
            "Texts leave the house when its models are asked. Collections can forbid that; users see the mark."
        ),
    )  # fmt: skip
    enabled = forms.BooleanField(label=gettext_lazy("In use"), required=False)

    def __init__(self, *args: Any, server: ModelServer, **options: Any) -> None:
        super().__init__(*args, server=server, **options)
        self.stored = server
        words = gettext("A key is stored. Leave the field empty to keep it.")
        if server.is_key_lost:
            words = gettext("The stored key can no longer be read. Enter it again.")
        self.fields["key"].help_text = words if server.key else self.fields["key"].help_text

    def is_asked(self, given: dict[str, Any]) -> bool:
        return bool(given["enabled"])

    def get_key(self, given: dict[str, Any]) -> str:
        if given["key"]:
            return str(given["key"])
        # A stored key must not reach another host: whoever may change the address may not read the key.
        same = urlsplit(given["url"]).netloc == urlsplit(self.stored.url).netloc
        return self.stored.usable_key if same else ""

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        return {**given, "key": self.get_key(given)} if not self.errors else given


class HelperServerForm(forms.Form):
    """Form of the judge, the guard or the picture server. An empty key keeps the stored one, unless the address names
    another host."""

    url = forms.CharField(
        label=gettext_lazy("Address"), max_length=400,
        help_text=gettext_lazy(
            "With its /v1, such as https://api.example.com/v1. What is not public must be listed in LLM_HOSTS."
        ),
    )  # fmt: skip
    model = forms.CharField(label=gettext_lazy("Model"), max_length=255)
    form = forms.ChoiceField(label=gettext_lazy("Format"))
    key = forms.CharField(
        label=gettext_lazy("Key"), max_length=500, required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Stored encrypted, and never shown again. Leave it empty if the server needs none."),
    )  # fmt: skip

    def __init__(self, *args: Any, kind: str, stored: HelperServer | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kind, self.stored = kind, stored
        self.fields["form"].choices = _list_formats(kind)  # type: ignore[attr-defined]
        if stored is not None and stored.usable_key:
            self.fields["key"].help_text = gettext("A key is stored. Leave the field empty to keep it.")

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"].strip()
        if not (key.isascii() and key.isprintable()):
            raise forms.ValidationError(gettext("A key has only letters, digits and signs of the keyboard."))
        return key

    def make_row(self) -> HelperServer:
        """Return the unsaved server of a valid form."""
        row = HelperServer(kind=self.kind, **self.cleaned_data)
        # A stored key must not reach another host: whoever may change the address may not read the key.
        if not row.key and self.stored and urlsplit(row.url).netloc == urlsplit(self.stored.url).netloc:
            row.key = self.stored.usable_key
        return row


def _list_formats(kind: str) -> list[tuple[str, StrOrPromise]]:
    if kind == HelperServer.Kind.IMAGE:
        return [("draws", gettext("draws")), (model_servers.EDITS, gettext("draws, and redraws parts of pictures"))]
    formats = judge_formats.FORMATS if kind == HelperServer.Kind.JUDGE else guard_formats.FORMATS
    return [(name, name) for name in formats]


class RestrictionForm(forms.Form):
    """Form of who may use a chat model of the environment."""

    for_everyone = forms.BooleanField(label=gettext_lazy("Everyone may use it"), required=False)
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"), label=gettext_lazy("If not, only these groups"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip


class ServedModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """Form of a model: how users see it, who may use it, and what it can do."""

    class Meta:
        model = ServedModel
        fields = (
            "name", "description", "position", "enabled", "is_default", "for_everyone", "groups", "tools", "pictures",
            "reasoning", "context_tokens",
        )  # fmt: skip
        widgets = {"groups": forms.CheckboxSelectMultiple}
        labels = {
            "name": gettext_lazy("Name"), "description": gettext_lazy("Description"),
            "position": gettext_lazy("Place in the menu"), "enabled": gettext_lazy("In use"),
            "is_default": gettext_lazy("Default: answers where nothing was chosen"),
            "for_everyone": gettext_lazy("Everyone may use it"), "groups": gettext_lazy("If not, only these groups"),
            "tools": gettext_lazy("Uses tools"), "pictures": gettext_lazy("Sees pictures"),
            "reasoning": gettext_lazy("Reasoning"), "context_tokens": gettext_lazy("Context window in tokens"),
        }  # fmt: skip
        help_texts = {
            "description": gettext_lazy("What it is good for, in a few words; users see it in the menu."),
            "context_tokens": gettext_lazy("0: as the server says."),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["groups"].queryset = Group.objects.order_by("name")  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if "/" in name or model_servers.is_name_taken(name, self.instance):
            raise forms.ValidationError(gettext("Choose another name: a model has it already, or it has a slash."))
        return name

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("is_default") and not (given.get("for_everyone") and given.get("enabled")):
            raise forms.ValidationError(gettext("The default model must be in use, and for everyone."))
        return given

    def _post_clean(self) -> None:
        """Leave the row as it is: `model_servers.change_model` changes it."""
