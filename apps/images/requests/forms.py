"""Form of a picture request. Bounds come from the description of the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from apps.engines.image.protocol import PictureModel
from apps.engines.image.validation import PROMPT_CHARACTERS
from apps.images.models import Picture
from apps.images.requests.submission import MAX_PICTURES, SEED_LIMIT, PictureRequest

_SHAPES = (
    ("square", gettext_lazy("Square"), 1, 1),
    ("wide", gettext_lazy("Landscape, 3:2"), 3, 2),
    ("tall", gettext_lazy("Portrait, 2:3"), 2, 3),
    ("film", gettext_lazy("Widescreen, 16:9"), 16, 9),
    ("phone", gettext_lazy("Phone, 9:16"), 9, 16),
)

# What a style adds to prompt and negative prompt: (value, label, words, negative).
_STYLES = (
    ("", gettext_lazy("No style"), "", ""),
    ("photo", gettext_lazy("Photograph"), "photograph, natural light, sharp focus", "drawing, painting, blurred"),
    ("water", gettext_lazy("Watercolour"), "watercolour painting, soft edges, paper texture", "photograph"),
    ("line", gettext_lazy("Line drawing"), "black and white line drawing, clean outlines", "colour, shading"),
    (
        "flat",
        gettext_lazy("Flat illustration"),
        "flat vector illustration, simple shapes, few colours",
        "photograph, gradient",
    ),
    ("oil", gettext_lazy("Oil painting"), "oil painting, visible brush strokes, canvas texture", "photograph"),
    ("pixel", gettext_lazy("Pixel art"), "pixel art, limited palette, crisp square pixels", "photograph, blurred"),
    ("clay", gettext_lazy("Clay model"), "3D render of a clay model, soft studio light", "drawing, flat"),
)
# (value, label, factor of the model's usual steps)
_QUALITIES = (
    ("", gettext_lazy("Standard"), 1.0),
    ("quick", gettext_lazy("Fast"), 0.5),
    ("fine", gettext_lazy("High quality"), 1.6),
)


class PictureForm(forms.Form):
    """Form of a picture request for one model; fields that the model does not support are removed.

    `picture_request` returns the request for `submission.request_pictures`; empty numbers mean the model's own.
    `settings` are initial values.
    """

    prompt = forms.CharField(
        label=gettext_lazy("Describe the picture"),
        max_length=PROMPT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": gettext_lazy("A sailboat at sunset, watercolour")}),
    )
    count = forms.TypedChoiceField(
        label=gettext_lazy("Number of pictures"), coerce=int, choices=[(n, str(n)) for n in range(1, MAX_PICTURES + 1)]
    )
    shape = forms.ChoiceField(
        label=gettext_lazy("Shape"), choices=[(value, label) for value, label, _, _ in _SHAPES], required=False
    )
    style = forms.ChoiceField(
        label=gettext_lazy("Style"), choices=[(value, label) for value, label, _, _ in _STYLES], required=False
    )
    quality = forms.ChoiceField(
        label=gettext_lazy("Quality"), choices=[(value, label) for value, label, _ in _QUALITIES], required=False
    )
    negative = forms.CharField(label=gettext_lazy("Negative prompt"), max_length=PROMPT_CHARACTERS, required=False)
    steps = forms.IntegerField(label=gettext_lazy("Steps"), required=False, min_value=1)
    guidance = forms.FloatField(label=gettext_lazy("Guidance"), required=False, min_value=0, max_value=30)
    seed = forms.IntegerField(label=gettext_lazy("Seed"), required=False, min_value=0, max_value=SEED_LIMIT - 1)
    scheduler = forms.ChoiceField(label=gettext_lazy("Scheduler"), required=False)
    strength = forms.FloatField(label=gettext_lazy("Strength of change"), required=False, min_value=0.05, max_value=1)

    def __init__(
        self, model: PictureModel, data: Any = None, *, parent: Picture | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(data, initial=_initial(parent) | dict(settings or {}))
        self._model, self._parent = model, parent
        if model.vocabulary:  # an example that a model of fixed names can draw
            self.fields["prompt"].widget.attrs["placeholder"] = gettext("A red apple")
        steps, guidance = self.fields["steps"], self.fields["guidance"]
        steps.help_text = gettext("More steps take longer and often add detail. Default: %(steps)s.") % {
            "steps": model.steps
        }
        steps.widget.attrs["max"] = model.max_steps
        guidance.help_text = gettext("How closely the picture follows the description. Default: %(guidance)s.") % {
            "guidance": f"{model.guidance:g}"
        }
        self.fields["seed"].help_text = gettext(
            "The same seed and settings give the same picture. Leave it empty for a random one."
        )
        schedulers = ((name, name) for name in model.schedulers)
        self.fields["scheduler"].choices = [("", gettext("model default")), *schedulers]  # type: ignore[attr-defined]
        self.fields["strength"].help_text = gettext(
            "How much the starting picture is changed: 0.3 a little, 0.9 a lot."
        )
        shapes = _shapes(model)
        self.fields["shape"].choices = shapes  # type: ignore[attr-defined]
        supported = {
            "shape": len(shapes) > 1,
            "negative": model.accepts_negative,
            "scheduler": bool(model.schedulers),
            "steps": model.max_steps > 1,
        }
        # Models with negative prompts were trained on styles; a model of pictograms knows none.
        supported |= {"style": model.accepts_negative, "quality": model.max_steps > 1}
        supported |= {"guidance": model.max_steps > 1, "strength": bool(parent) and model.accepts_start}
        for name, used in supported.items():
            if not used:
                del self.fields[name]

    @property
    def advanced_fields(self) -> list[Any]:
        names = ("negative", "strength", "steps", "guidance", "seed", "scheduler")
        return [self[name] for name in names if name in self.fields]

    @property
    def picture_request(self) -> PictureRequest:
        """Return the request of a valid form."""
        data, model = self.cleaned_data, self._model
        across, down = next((a, b) for value, _, a, b in _SHAPES if value == (data.get("shape") or "square"))
        width, height = picture_size(model, across, down)
        strength = data.get("strength")
        prompt, negative = apply_style(data["prompt"], data.get("negative", ""), data.get("style", ""))
        return PictureRequest(
            prompt, negative, data["count"], width, height, self._steps(),
            data.get("guidance"), data.get("scheduler", ""), data.get("seed"), strength or 0.6, self._parent,
            from_parent=self._parent is not None and strength is not None,
        )  # fmt: skip

    def _steps(self) -> int | None:
        """Return the number of steps: the one filled in, else by the chosen quality; None for the model's own."""
        data, model = self.cleaned_data, self._model
        factor = next(factor for value, _, factor in _QUALITIES if value == data.get("quality", ""))
        steps: int | None = data.get("steps")
        if steps is not None or factor == 1:
            return steps
        return max(1, min(model.max_steps, round(model.steps * factor)))


def apply_style(prompt: str, negative: str, style: str) -> tuple[str, str]:
    """Return prompt and negative prompt with the words of the style. Words that are there already are not repeated."""
    styled, avoided = next((styled, avoided) for value, _, styled, avoided in _STYLES if value == style)

    def append(text: str, words: str) -> str:
        if not words or words in text:
            return text
        return f"{text.rstrip(' ,.')}, {words}" if text.strip() else words

    return append(prompt, styled), append(negative, avoided)


def picture_size(model: PictureModel, ratio_width: int, ratio_height: int) -> tuple[int, int]:
    """Return width and height of that ratio, with about as many pixels as the model's usual picture."""
    area = model.width * model.height
    width = (area * ratio_width / ratio_height) ** 0.5

    def fit_side(side: float) -> int:
        max_side = model.max_side // model.multiple * model.multiple
        return max(model.multiple, min(max_side, round(side / model.multiple) * model.multiple))

    return fit_side(width), fit_side(area / width)


def _shapes(model: PictureModel) -> list[tuple[str, str]]:
    """Return the shapes that differ in size for this model, with their pixels in the label."""
    shapes: dict[tuple[int, int], tuple[str, str]] = {}
    for value, label, across, down in _SHAPES:
        size = picture_size(model, across, down)
        shapes.setdefault(size, (value, f"{label} · {size[0]} × {size[1]}"))
    return list(shapes.values())


def _initial(parent: Picture | None) -> dict[str, Any]:
    if parent is None:
        return {"count": 1, "shape": "square"}
    ratio = parent.width / parent.height
    shape = min(_SHAPES, key=lambda shape_choice: abs(math.log(shape_choice[2] / shape_choice[3] / ratio)))[0]
    names = ("prompt", "negative", "steps", "guidance", "scheduler")
    return {"count": 1, "shape": shape, **{name: getattr(parent, name) for name in names}}
