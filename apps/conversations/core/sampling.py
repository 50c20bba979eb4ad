"""How the model draws its words, as people speak of it: three presets, and every single control. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _

from apps.conversations.errors import RequestRefused
from apps.conversations.models.assistant import SamplingPreset
from apps.engines.chat.model_catalog import EXTENDED
from apps.engines.types import Sampling

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_STOPS, MAX_STOP_CHARACTERS = 4, 80
PACKAGED_MODEL = "SmolLM2-135M-Instruct"  # as `assistant.boot.packaged_models` has it served
# Small models fall into loops. A frequency penalty counts only what the model has written; a repetition penalty would
# count the sources too, and drives it away from their words: 1.1 halved the share of its words that they have.
PACKAGED_PENALTY = 0.3
MAX_BEAM_TOKENS = (
    256  # of an answer by beam search: a server follows all beams to the greatest length, whatever they say
)


PRESET_DESCRIPTIONS = {
    SamplingPreset.PRECISE: gettext_lazy("Always the likeliest word (greedy): the same question gets the same answer."),
    SamplingPreset.BALANCED: gettext_lazy("Close to the likeliest words. Good for most questions."),
    SamplingPreset.CREATIVE: gettext_lazy("Less likely words get a chance: more varied, and more often wrong."),
}
PRESETS = {
    SamplingPreset.PRECISE: Sampling(temperature=0.0),
    SamplingPreset.BALANCED: Sampling(temperature=0.2),
    SamplingPreset.CREATIVE: Sampling(temperature=0.9, top_p=0.95, min_p=0.05),
}


@dataclass(frozen=True, slots=True)
class SamplingControl:
    """One number of Advanced: `name` is a field of `Sampling`."""

    name: str
    label: StrOrPromise
    words: StrOrPromise
    low: float
    high: float
    step: float
    whole: bool = False


CONTROLS = (
    SamplingControl(
        "temperature", "Temperature", _("0 always takes the likeliest word; higher values spread it."), 0, 2, 0.1
    ),
    SamplingControl(
        "top_p", "Top-p", _("Only the likeliest words that together have this probability."), 0.05, 1, 0.05
    ),
    SamplingControl("top_k", "Top-k", _("Only so many of the likeliest words."), 1, 200, 1, whole=True),
    SamplingControl("min_p", "Min-p", _("Only words at least this share as likely as the likeliest one."), 0, 1, 0.01),
    SamplingControl(
        "repetition_penalty", _("Repetition penalty"), _("Above 1, used words become less likely."), 1, 2, 0.05
    ),
    SamplingControl(
        "seed", "Seed", _("With the same seed, the same question gets the same answer."), 0, 2**31 - 1, 1, whole=True
    ),
    SamplingControl(
        "beams",
        _("Beams"),
        _(
            "So many ways to go on are followed side by side, and the likeliest is said. The "
            "text comes at once, without probabilities or tools; of the other controls only Length and Stop words "
            "hold."
        ),
        2,
        8,
        1,
        whole=True,
    ),
    SamplingControl(
        "max_tokens", "Length", _("At most so many tokens, of about four characters."), 32, 4096, 1, whole=True
    ),
)
_BY_NAME = {control.name: control for control in CONTROLS}
BEAMS_CONTROL = _BY_NAME["beams"]  # offered only where a server has it
_OF_BEAMS = ("beams", "max_tokens")  # where nothing is drawn, the other numbers are not heeded


@dataclass(frozen=True, slots=True)
class SamplingChoice:
    """A preset and what differs from it; kept with the conversation, the assistant, and each answer."""

    preset: SamplingPreset = SamplingPreset.BALANCED
    changes: Mapping[str, Any] = field(default_factory=dict)

    def longest(self, otherwise: int) -> int:
        """Tokens that the answer may have, if there is room."""
        return int(self.changes.get("max_tokens", min(otherwise, MAX_BEAM_TOKENS) if self.beams else otherwise))

    @property
    def beams(self) -> int:
        return int(self.changes.get("beams", 0))

    def sampling(self, room: int) -> Sampling:
        """What the server is told; `room` is how many tokens the answer may have."""
        changes = dict(self.changes)
        length = min(room, int(changes.pop("max_tokens", room)))
        if "stop" in changes:
            changes["stop"] = tuple(changes["stop"])
        return replace(PRESETS[self.preset], **changes, max_tokens=max(1, length))

    def used(self, told: Sampling, *, whole: bool) -> dict[str, Any]:
        """What an answer was drawn with, every number of it; `told` is what the server was told. Where it takes not the
        `whole` of a sampling, `unheeded` names what it did not hear."""
        numbers = [item for item in CONTROLS if (item.name in _OF_BEAMS if told.beams else item is not BEAMS_CONTROL)]
        said = {control.name: getattr(told, control.name) for control in numbers}
        said = {name: value for name, value in said.items() if value is not None}
        unheeded = [] if whole else [name for name in EXTENDED if name in said]
        heard = {name: value for name, value in said.items() if name not in unheeded}
        also = {"stop": list(told.stop)} if told.stop else {}
        return {"preset": str(self.preset), **heard, **also, **({"unheeded": unheeded} if unheeded else {})}

    def record(self) -> dict[str, Any]:
        return {"preset": str(self.preset), **dict(self.changes)}


def get_penalties(model: str, told: Sampling) -> dict[str, Any]:
    """Return what the server is told beside a sampling: a penalty for the packaged model, unless the user chose one."""
    own = told.repetition_penalty is not None or told.beams
    return {} if own or model != PACKAGED_MODEL else {"frequency_penalty": PACKAGED_PENALTY}


def list_preset_values(control: SamplingControl) -> dict[str, str]:
    """What each preset has for it, as its empty field says it."""
    nothing = gettext("random") if control.name == "seed" else gettext("off")
    values = {preset: getattr(sampling, control.name) for preset, sampling in PRESETS.items()}
    return {str(preset): nothing if value is None else f"{value:g}" for preset, value in values.items()}


def describe_sampling(record: Mapping[str, Any]) -> list[tuple[StrOrPromise, str]]:
    """What an answer's record says of it, in words; earlier answers have the preset and what differed from it."""
    if not record:
        return []
    rows: list[tuple[StrOrPromise, str]] = [(gettext_lazy("Preset"), str(SamplingPreset(record["preset"]).label))]
    rows += [(_BY_NAME[name].label, str(record[name])) for name in _BY_NAME if name in record]
    if stop := record.get("stop"):
        rows.append((gettext_lazy("Stops at"), ", ".join(stop)))
    if unheeded := record.get("unheeded"):
        words = ", ".join(str(_BY_NAME[name].label) for name in unheeded)
        rows.append((gettext_lazy("Not heeded by this server"), words))
    return rows


def parse_sampling(value: Any) -> SamplingChoice:
    """What a page, a form or a row holds. Raises Refused where it is none of what is offered."""
    if not isinstance(value, Mapping):
        raise RequestRefused(gettext("The settings of the model could not be read. Reload the page and choose again."))
    preset = value.get("preset", SamplingPreset.BALANCED)
    if preset not in SamplingPreset.values:
        raise RequestRefused(gettext("There is no such preset. Choose Precise, Balanced or Creative."))
    changes: dict[str, Any] = {
        name: _number(control, value[name]) for name, control in _BY_NAME.items() if value.get(name) not in (None, "")
    }
    if stop := value.get("stop"):
        changes["stop"] = _stops(stop)
    return SamplingChoice(SamplingPreset(preset), changes)


def _number(control: SamplingControl, value: Any) -> float | int:
    try:
        number = float(value)
        if isinstance(value, bool) or not math.isfinite(number) or (control.whole and number != int(number)):
            raise ValueError
    except (TypeError, ValueError):
        kind = "whole number" if control.whole else "number"
        raise RequestRefused(
            gettext("%(label)s is a %(kind)s from %(low)s to %(high)s.")
            % {"label": control.label, "kind": kind, "low": f"{control.low:g}", "high": f"{control.high:g}"}
        ) from None
    if not control.low <= number <= control.high:
        raise RequestRefused(
            gettext("%(label)s goes from %(low)s to %(high)s.")
            % {"label": control.label, "low": f"{control.low:g}", "high": f"{control.high:g}"}
        )
    return int(number) if control.whole else number


def _stops(value: Any) -> list[str]:
    words = value.split("\n") if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise RequestRefused(gettext("Stop words are text, one a line."))
    kept = [word for word in words if word.strip()]
    if len(kept) > MAX_STOPS or any(len(word) > MAX_STOP_CHARACTERS for word in kept):
        raise RequestRefused(
            gettext("There may be %(stops)s stop words of up to %(stop_characters)s characters, one a line.")
            % {"stops": MAX_STOPS, "stop_characters": MAX_STOP_CHARACTERS}
        )
    return kept
