"""What the environment sets, in the words of `docs/operations.md`: read here, changed where Openbook is started."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django.utils.safestring import SafeString
    from django_stubs_ext import StrOrPromise

_ROW = re.compile(r"\| `([A-Z0-9_]+)` \|(.*?)\| (.*) \|")
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")
ENGINES: dict[str, tuple[StrOrPromise, str]] = {
    "embed": (gettext_lazy("Meaning of texts"), "EMBED_MODEL"),
    "rank": (gettext_lazy("Order of the best passages"), "RANK_MODEL"),
    "inference": (gettext_lazy("Support of sentences"), "SUPPORT_MODEL"),
    "index": (gettext_lazy("Index"), "INDEX_BACKEND"),
    "classify": (gettext_lazy("Classifiers of texts"), "CLASSIFY_BACKEND"),
    "planted": (gettext_lazy("Instructions in documents"), "PLANTED_BACKEND"),
    "tagger": (gettext_lazy("Passwords and personal data"), "TAGGER_BACKEND"),
    "guard": (gettext_lazy("Guard model"), "GUARD_URL"),
    "image": (gettext_lazy("Pictures"), "IMAGE_MODEL"),
    "pictures": (gettext_lazy("Classifier of pictures"), "PICTURE_CHECK"),
    "align": (gettext_lazy("How well pictures fit their words"), "CLIP_MODEL"),
}


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    name: str
    value: str  # without secrets
    given: bool  # in the environment; else the default holds
    default: SafeString
    words: SafeString


@dataclass(frozen=True, slots=True)
class EngineSetting:
    words: StrOrPromise
    kind: str  # the class; empty: none is set up
    model: str
    variable: str


def list_variables() -> list[EnvironmentVariable]:
    """In the order of the handbook of operations."""
    told = _read_handbook(settings.OPERATIONS)
    return [
        EnvironmentVariable(name, *settings.ENVIRONMENT[name], _marked(default), _marked(words))
        for name, (default, words) in told.items()
        if name in settings.ENVIRONMENT
    ]


def list_engines() -> list[EngineSetting]:
    found = []
    for name, (words, variable) in ENGINES.items():
        chosen: dict[str, Any] = settings.ENGINES.get(name) or {}
        options = chosen.get("OPTIONS", {})
        model = next((str(options[key]) for key in ("model", "path", "url") if options.get(key)), "")
        kind = str(chosen.get("BACKEND", "")).rpartition(".")[2]
        found.append(EngineSetting(words, kind, _PASSWORD.sub("•••@", model), variable))
    return found


def list_chat_models() -> list[dict[str, Any]]:
    """The chat models: what is said of each, without its key."""
    return [
        {**{key: said for key, said in model["ABOUT"].items() if key != "server"},
         "name": model["ABOUT"]["shown"] or name, "server": _PASSWORD.sub("•••@", model["ABOUT"]["server"])}
        for name, model in settings.CHATS.items()
    ]  # fmt: skip


@cache
def _read_handbook(path: Path) -> dict[str, tuple[str, str]]:
    """Default and meaning by variable. Empty where the handbook was not installed beside the code."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return {found[1]: (found[2].strip(), found[3]) for line in lines if (found := _ROW.fullmatch(line))}


def _marked(text: str) -> SafeString:
    """What stands between backticks is code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts)
    )
