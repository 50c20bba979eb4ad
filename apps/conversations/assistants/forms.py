"""Forms for assistants and their shares. Only the fields declared here can change anything."""

from __future__ import annotations

import io
from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _
from PIL import Image, UnidentifiedImageError

from apps.conversations.assistants import model_menu
from apps.conversations.assistants.services import VERSIONED_FIELDS
from apps.conversations.core.sampling import BEAMS_CONTROL, CONTROLS, SamplingControl, parse_sampling
from apps.conversations.errors import RequestRefused
from apps.conversations.models.assistant import AnswerStyle, Assistant, AssistantShare, SamplingPreset, ShownSentences
from apps.conversations.tools.assistant_fields import FIELD_PREFIX, build_tool_fields, keep_unlisted, read_permissions
from apps.documents.models import Collection
from apps.documents.models.collection import disambiguate_names
from apps.engines.chat.model_catalog import MAIN
from apps.safety.models.strictness import Strictness
from apps.safety.policy.strictness import DESCRIPTIONS as LEVELS
from apps.users.groups import list_visible_groups
from apps.users.models import User

MAX_EXAMPLES, MAX_STARTERS, MAX_STARTER_CHARACTERS = 3, 6, 200
_PICTURE_BYTES, _PICTURE_PIXELS, _SIDE = 4 * 1024 * 1024, 4096, 256
_BAD_PICTURE = gettext_lazy(
    "This picture cannot be read. Choose a PNG, JPEG or WebP file of up to 4 MB and 4096 pixels per side."
)


class AssistantForm(forms.Form):
    """Form of an assistant.

    `content` is the argument of `services.update_assistant`, `version` the one that was edited.
    """

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"), max_length=200, required=False, help_text=_("One sentence about what it is for.")
    )  # fmt: skip
    picture = forms.FileField(
        label=_("Picture"),
        required=False,
        help_text=_("PNG, JPEG or WebP. Without a picture, the first letter of the name is shown."),
    )
    no_picture = forms.BooleanField(label=_("Remove the picture"), required=False)
    instructions = forms.CharField(
        label=_("Instructions"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("How it should answer: tone, format, what to leave out. It always answers from sources."),
    )  # fmt: skip
    starters = forms.CharField(
        label=_("Starter questions"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    style = forms.ChoiceField(
        label=_("Style"),
        choices=AnswerStyle.choices,
        help_text=_("What comes first in an answer: quotes from the sources, or the model's own words."),
    )
    shown_sentences = forms.ChoiceField(
        label=_("Sentences shown"),
        choices=ShownSentences.choices,
        required=False,
        help_text=_(
            "If a model often misreads sources, only its verified sentences are shown; the others stay collapsed."
        ),
    )
    collections = forms.ModelMultipleChoiceField(
        label=_("Collections"), queryset=Collection.objects.none(), required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "If none is selected, everything the user can read is searched. An assistant never gives access to more "
            "documents."),
    )  # fmt: skip
    model = forms.ChoiceField(
        label=_("Model"),
        required=False,
        help_text=_("The model that writes its answers. Users can choose another one in the conversation."),
    )  # fmt: skip
    strictness = forms.ChoiceField(
        label=_("Safety level"), required=False, widget=forms.RadioSelect,
        help_text=_("An assistant can be stricter than the site, never less strict."),
    )  # fmt: skip
    preset = forms.ChoiceField(label=_("Creativity"), choices=SamplingPreset.choices, widget=forms.RadioSelect)
    stop = forms.CharField(label=_("Stop words"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, user: User, data: Any = None, files: Any = None, *, assistant: Assistant | None = None) -> None:
        super().__init__(data, files, initial=_initial(assistant) if assistant else {**_NEW})
        self.kept_tools = keep_unlisted(assistant.tools if assistant else {})
        field = cast("forms.ModelMultipleChoiceField[Collection]", self.fields["collections"])
        field.queryset = Collection.objects.visible_to(user).select_related("owner")
        names = disambiguate_names((item.pk, item.name, str(item.owner)) for item in field.queryset)
        field.label_from_instance = lambda item: names.get(item.pk, item.name)  # type: ignore[method-assign,assignment]
        _models(cast("forms.ChoiceField", self.fields["model"]), user, assistant)
        help_text = gettext("One per line, up to %(starters)s. If empty, they are created from the documents.")
        self.fields["starters"].help_text = help_text % {"starters": MAX_STARTERS}
        level = cast("forms.ChoiceField", self.fields["strictness"])
        level.choices = [(item.value, f"{item.label}: {LEVELS[item]}") for item in Strictness]
        self.fields |= build_tool_fields(assistant.tools if assistant else {})
        for control in CONTROLS:
            attributes = {"min": control.minimum, "max": control.maximum, "step": control.step}
            self.fields[control.name] = forms.CharField(
                label=control.label, required=False, help_text=control.help_text,
                widget=forms.NumberInput(attrs=attributes),
            )  # fmt: skip
        for at in range(MAX_EXAMPLES):
            self.fields[f"question_{at}"] = forms.CharField(label=gettext("Question"), max_length=500, required=False)
            self.fields[f"answer_{at}"] = forms.CharField(
                label=gettext("Answer"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2})
            )

    @property
    def controls(self) -> list[Any]:
        """Return the sampling fields, except beams."""
        return [self[control.name] for control in CONTROLS if control is not BEAMS_CONTROL] + [self["stop"]]

    @property
    def beam_search(self) -> tuple[SamplingControl, Any]:
        """Return the control for beams, which only some servers support, and its value."""
        return BEAMS_CONTROL, self["beams"].value()

    @property
    def tools(self) -> list[Any]:
        """Return the fields of tool permissions."""
        return [self[name] for name in self.fields if name.startswith(FIELD_PREFIX)]

    @property
    def examples(self) -> list[tuple[Any, Any]]:
        """Return the pairs of question and answer fields."""
        return [(self[f"question_{at}"], self[f"answer_{at}"]) for at in range(MAX_EXAMPLES)]

    def clean_starters(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["starters"].splitlines() if line.strip()]
        if len(lines) > MAX_STARTERS or any(len(line) > MAX_STARTER_CHARACTERS for line in lines):
            raise forms.ValidationError(
                gettext(
                    "Enter up to %(starters)s questions of up to %(starter_characters)s characters each, one per line."
                )
                % {"starters": MAX_STARTERS, "starter_characters": MAX_STARTER_CHARACTERS}
            )
        return lines

    def clean_strictness(self) -> str:
        """Keep the stored value if the form was sent without this field."""
        return str(self.cleaned_data["strictness"] or self.initial["strictness"])

    def clean_shown_sentences(self) -> str:
        """Keep the stored value if the form was sent without this field."""
        return str(self.cleaned_data["shown_sentences"] or self.initial["shown_sentences"])

    def clean_picture(self) -> bytes:
        file = self.cleaned_data["picture"]
        return redraw_portrait(file) if file else b""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        settings = {name: data.get(name, "") for name in [*(control.name for control in CONTROLS), "stop"]}
        try:
            record = parse_sampling({"preset": data.get("preset", SamplingPreset.BALANCED), **settings}).record()
        except RequestRefused as error:
            self.add_error(None, str(error))
            return data
        pairs = [(data.get(f"question_{at}", ""), data.get(f"answer_{at}", "")) for at in range(MAX_EXAMPLES)]
        if any(bool(question) != bool(answer) for question, answer in pairs):
            self.add_error(None, gettext("An example needs a question and an answer."))
        self.content = {
            "examples": [{"question": question, "answer": answer} for question, answer in pairs if question and answer],
            "tools": self.kept_tools | read_permissions(data),
            "sampling": {name: value for name, value in record.items() if name != "preset"},
            **{name: data.get(name, "") for name in (*_COPIED, "starters")},
        }
        return data


_COPIED = [name for name in VERSIONED_FIELDS if name not in {"examples", "starters", "sampling", "tools"}]
_NEW = {
    "style": AnswerStyle.AUTOMATIC,
    "shown_sentences": ShownSentences.AUTOMATIC,
    "preset": SamplingPreset.BALANCED,
    "strictness": Strictness.SITE,
    "version": 0,
}


def _initial(assistant: Assistant) -> dict[str, Any]:
    pairs: dict[str, str] = {}
    for at, item in enumerate(assistant.examples[:MAX_EXAMPLES]):
        pairs |= {f"question_{at}": item["question"], f"answer_{at}": item["answer"]}
    sampling = dict(assistant.sampling)
    return {
        **{name: getattr(assistant, name) for name in (*_COPIED, "version")}, **sampling, **pairs,
        "starters": "\n".join(assistant.starters), "stop": "\n".join(sampling.get("stop", [])),
        "collections": list(assistant.collections.values_list("pk", flat=True)),
    }  # fmt: skip


def _models(field: forms.ChoiceField, user: User, assistant: Assistant | None) -> None:
    """Offer the chat models, and a chosen model that is no longer offered, so that saving keeps it."""
    options = model_menu.list_model_options(user, "")
    offered = [(item.name, item.display_name) for item in options if item.name != MAIN]
    now = assistant.model if assistant else ""
    if now and now not in dict(offered):
        offered.append((now, gettext("%(name)s (no longer available)") % {"name": now}))
    field.choices = [("", gettext("Site default")), *offered]


def redraw_portrait(file: UploadedFile[bytes]) -> bytes:
    """Return the middle of the picture as a PNG of _SIDE × _SIDE pixels, without its metadata.

    Raise ValidationError if the picture is too large, or no PNG, JPEG or WebP.
    """
    if (file.size or 0) > _PICTURE_BYTES:
        raise forms.ValidationError(_BAD_PICTURE)
    try:
        with Image.open(io.BytesIO(file.read()), formats=["PNG", "JPEG", "WEBP"]) as picture:
            if max(picture.size) > _PICTURE_PIXELS:  # read from the header, before any pixel is decoded
                raise forms.ValidationError(_BAD_PICTURE)
            side = min(picture.size)
            left, top = (picture.width - side) // 2, (picture.height - side) // 2
            square = picture.convert("RGBA").crop((left, top, left + side, top + side)).resize((_SIDE, _SIDE))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise forms.ValidationError(_BAD_PICTURE) from error
    out = io.BytesIO()
    square.save(out, "PNG", optimize=True)
    return out.getvalue()


class AssistantShareForm(forms.Form):
    """Form for sharing an assistant with an email address or a group."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254, required=False)
    group = forms.ModelChoiceField(
        label=_("Group"), queryset=Group.objects.none(), required=False, empty_label=_("or a group")
    )
    role = forms.ChoiceField(label=_("Role"), choices=AssistantShare.Role.choices)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField[Group]", self.fields["group"])
        field.queryset = list_visible_groups(user)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and bool(data.get("email")) == bool(data.get("group")):
            raise forms.ValidationError(gettext("Enter an e-mail address or select a group."))
        return data
