"""Sampling settings of an answer: three presets, and single controls that override them. Pure.

Entry points: `parse_sampling`, `SamplingChoice`, `describe_sampling`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _

from apps.conversations.errors import RequestRefused
from apps.conversations.models.assistant import SamplingPreset
from apps.engines.chat.model_catalog import EXTENDED
from apps.engines.types import Sampling

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_STOPS, MAX_STOP_CHARACTERS = 4, 80
PACKAGED_MODEL = "SmolLM2-135M-Instruct"  # the name under which `assistant.boot.packaged_models` serves it
# Small models fall into loops. A frequency penalty counts only generated tokens. A repetition penalty would count the
# sources too and drive the model away from their words: 1.1 halved the share of its words that come from the sources.
PACKAGED_PENALTY = 0.3
# Limit of an answer by beam search: a server follows all beams to the greatest length, even after they have ended.
MAX_BEAM_TOKENS = 256


PRESET_DESCRIPTIONS = {
    SamplingPreset.PRECISE: gettext_lazy("Always picks the most likely word: the same question gets the same answer."),
    SamplingPreset.BALANCED: gettext_lazy("Mostly picks likely words. Good for most questions."),
    SamplingPreset.CREATIVE: gettext_lazy("Also picks less likely words: more varied, but more often wrong."),
}
PRESETS = {
    SamplingPreset.PRECISE: Sampling(temperature=0.0),
    SamplingPreset.BALANCED: Sampling(temperature=0.2),
    SamplingPreset.CREATIVE: Sampling(temperature=0.9, top_p=0.95, min_p=0.05),
}


@dataclass(frozen=True, slots=True)
class SamplingControl:
    """Numeric control under Advanced; `name` is a field of `Sampling`."""

    name: str
    label: StrOrPromise
    help_text: StrOrPromise
    minimum: float
    maximum: float
    step: float
    is_integer: bool = False


CONTROLS = (
    SamplingControl(
        "temperature",
        _("Temperature"),
        _("At 0 the model always picks the most likely word; higher values vary more."),
        0,
        2,
        0.1,
    ),
    SamplingControl(
        "top_p", "Top-p", _("Picks from the most likely words that together reach this probability."), 0.05, 1, 0.05
    ),
    SamplingControl("top_k", "Top-k", _("Picks from this many of the most likely words."), 1, 200, 1, is_integer=True),
    SamplingControl(
        "min_p",
        "Min-p",
        _("Picks only words with at least this fraction of the probability of the most likely word."),
        0,
        1,
        0.01,
    ),
    SamplingControl(
        "repetition_penalty",
        _("Repetition penalty"),
        _("Above 1, words that were already used become less likely."),
        1,
        2,
        0.05,
    ),
    SamplingControl(
        "seed",
        _("Seed"),
        _("With the same seed, the same question gets the same answer."),
        0,
        2**31 - 1,
        1,
        is_integer=True,
    ),
    SamplingControl(
        "beams",
        _("Beams"),
        _(
            "Follows this many continuations in parallel and keeps the most likely one. The answer appears all at "
            "once, without probabilities or tools; only Response length and Stop words still apply."
        ),
        2,
        8,
        1,
        is_integer=True,
    ),
    SamplingControl(
        "max_tokens",
        _("Response length"),
        _("The most tokens that an answer can have; a token is about four characters."),
        32,
        4096,
        1,
        is_integer=True,
    ),
)
# Values of `max_tokens` that the menu names; "" is the default, `turns.prompt.MAX_ANSWER_TOKENS` (512).
LENGTHS: tuple[tuple[int | str, StrOrPromise], ...] = ((256, _("Short")), ("", _("Medium")), (1024, _("Long")))
_BY_NAME = {control.name: control for control in CONTROLS}
BEAMS_CONTROL = _BY_NAME["beams"]  # offered only if a server supports it
_OF_BEAMS = ("beams", "max_tokens")  # beam search draws nothing, so the other controls have no effect


@dataclass(frozen=True, slots=True)
class SamplingChoice:
    """Preset and the values that differ from it; stored with conversations, assistants and answers."""

    preset: SamplingPreset = SamplingPreset.BALANCED
    changes: Mapping[str, Any] = field(default_factory=dict)

    def get_max_tokens(self, default: int) -> int:
        """Return the token limit of the answer: the chosen one, else `default`, less with beam search."""
        return int(self.changes.get("max_tokens", min(default, MAX_BEAM_TOKENS) if self.beams else default))

    @property
    def beams(self) -> int:
        """Return the number of beams; 0 without beam search."""
        return int(self.changes.get("beams", 0))

    def make_sampling(self, room: int) -> Sampling:
        """Return the sampling to send to the server, within `room` tokens for the answer."""
        changes = dict(self.changes)
        length = min(room, int(changes.pop("max_tokens", room)))
        if "stop" in changes:
            changes["stop"] = tuple(changes["stop"])
        return replace(PRESETS[self.preset], **changes, max_tokens=max(1, length))

    def record_used(self, sampling: Sampling, *, accepts_all: bool) -> dict[str, Any]:
        """Return the sampling as a JSON record of the answer. `sampling` is the sampling that was sent to the server.

        Unless the server `accepts_all` controls, "unheeded" lists the controls that it ignored.
        """
        numbers = [
            item for item in CONTROLS if (item.name in _OF_BEAMS if sampling.beams else item is not BEAMS_CONTROL)
        ]
        values = {control.name: getattr(sampling, control.name) for control in numbers}
        values = {name: value for name, value in values.items() if value is not None}
        unheeded = [] if accepts_all else [name for name in EXTENDED if name in values]
        sent = {name: value for name, value in values.items() if name not in unheeded}
        also = {"stop": list(sampling.stop)} if sampling.stop else {}
        return {"preset": str(self.preset), **sent, **also, **({"unheeded": unheeded} if unheeded else {})}

    def record(self) -> dict[str, Any]:
        """Return the choice as JSON values; `parse_sampling` reads them."""
        return {"preset": str(self.preset), **dict(self.changes)}


def get_penalties(model: str, sampling: Sampling) -> dict[str, Any]:
    """Return extra sampling values: a frequency penalty for the packaged model, unless the user chose a penalty or
    beams.
    """
    own = sampling.repetition_penalty is not None or sampling.beams
    return {} if own or model != PACKAGED_MODEL else {"frequency_penalty": PACKAGED_PENALTY}


def list_preset_values(control: SamplingControl) -> dict[str, str]:
    """Return, by preset, the value of a control as words, shown as placeholder of its empty field."""
    nothing = gettext("random") if control.name == "seed" else gettext("off")
    values = {preset: getattr(sampling, control.name) for preset, sampling in PRESETS.items()}
    return {str(preset): nothing if value is None else f"{value:g}" for preset, value in values.items()}


def describe_sampling(record: Mapping[str, Any]) -> list[tuple[StrOrPromise, str]]:
    """Return (label, value) rows of an answer's sampling record; [] for an empty one.

    Older records hold the preset and only the values that differ from it.
    """
    if not record:
        return []
    rows: list[tuple[StrOrPromise, str]] = [(gettext_lazy("Preset"), str(SamplingPreset(record["preset"]).label))]
    rows += [(_BY_NAME[name].label, number_format(record[name])) for name in _BY_NAME if name in record]
    if stop := record.get("stop"):
        rows.append((gettext_lazy("Stop words"), ", ".join(stop)))
    if unheeded := record.get("unheeded"):
        words = ", ".join(str(_BY_NAME[name].label) for name in unheeded)
        rows.append((gettext_lazy("Not supported by this server"), words))
    return rows


def parse_sampling(value: Any) -> SamplingChoice:
    """Return the choice that a page, form or row holds. Raise RequestRefused if a value is invalid."""
    if not isinstance(value, Mapping):
        raise RequestRefused(gettext("The model settings could not be read. Reload the page and choose again."))
    preset = value.get("preset", SamplingPreset.BALANCED)
    if preset not in SamplingPreset.values:
        raise RequestRefused(gettext("This preset does not exist. Choose Precise, Balanced or Creative."))
    changes: dict[str, Any] = {
        name: _parse_number(control, value[name])
        for name, control in _BY_NAME.items()
        if value.get(name) not in (None, "")
    }
    if stop := value.get("stop"):
        changes["stop"] = _parse_stops(stop)
    return SamplingChoice(SamplingPreset(preset), changes)


def _parse_number(control: SamplingControl, value: Any) -> float | int:
    try:
        number = float(value)
        if isinstance(value, bool) or not math.isfinite(number) or (control.is_integer and number != int(number)):
            raise ValueError
    except (TypeError, ValueError):
        words = (
            gettext("%(label)s must be a whole number between %(low)s and %(high)s.")
            if control.is_integer
            else gettext("%(label)s must be a number between %(low)s and %(high)s.")
        )
        raise RequestRefused(
            words % {"label": control.label, "low": f"{control.minimum:g}", "high": f"{control.maximum:g}"}
        ) from None
    if not control.minimum <= number <= control.maximum:
        raise RequestRefused(
            gettext("%(label)s must be between %(low)s and %(high)s.")
            % {"label": control.label, "low": f"{control.minimum:g}", "high": f"{control.maximum:g}"}
        )
    return int(number) if control.is_integer else number


def _parse_stops(value: Any) -> list[str]:
    words = value.split("\n") if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise RequestRefused(gettext("Enter stop words as text, one per line."))
    stop_words = [word for word in words if word.strip()]
    if len(stop_words) > MAX_STOPS or any(len(word) > MAX_STOP_CHARACTERS for word in stop_words):
        raise RequestRefused(
            gettext("Enter up to %(stops)s stop words of up to %(stop_characters)s characters each, one per line.")
            % {"stops": MAX_STOPS, "stop_characters": MAX_STOP_CHARACTERS}
        )
    return stop_words
