"""Read environment variables and engines for pages. Secrets are left out.

Values are changed where Openbook is started, not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django.utils.safestring import SafeString
    from django_stubs_ext import StrOrPromise

_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")
ENGINES: dict[str, tuple[StrOrPromise, StrOrPromise, str]] = {  # label, purpose, variable
    "embed": (gettext_lazy("Text embeddings"), gettext_lazy("Finds passages by meaning"), "EMBED_MODEL"),
    "rank": (gettext_lazy("Reranker"), gettext_lazy("Checks the best passages again"), "RANK_MODEL"),
    "inference": (
        gettext_lazy("Check of citations"),
        gettext_lazy("Compares a sentence with its source"),
        "SUPPORT_MODEL",
    ),
    "judge": (
        gettext_lazy("Judge of citations"),
        gettext_lazy("Checks sentences that have no source with a language model"),
        "SUPPORT_URL",
    ),
    "index": (gettext_lazy("Index"), gettext_lazy("Stores what is searched"), "INDEX_BACKEND"),
    "classify": (
        gettext_lazy("Text classifiers"),
        gettext_lazy("Score texts for the clauses of the policy"),
        "CLASSIFY_BACKEND",
    ),
    "planted": (
        gettext_lazy("Prompt injection in documents"),
        gettext_lazy("Finds instructions hidden in documents"),
        "PLANTED_BACKEND",
    ),
    "tagger": (
        gettext_lazy("Passwords and personal data"),
        gettext_lazy("Finds names, addresses and secrets"),
        "TAGGER_BACKEND",
    ),
    "guard": (gettext_lazy("Guard model"), gettext_lazy("Checks texts with a language model"), "GUARD_URL"),
    "image": (gettext_lazy("Pictures"), gettext_lazy("Creates pictures"), "IMAGE_MODEL"),
    "pictures": (
        gettext_lazy("Picture classifier"),
        gettext_lazy("Scores pictures for the clauses of the policy"),
        "PICTURE_CHECK",
    ),
    "align": (gettext_lazy("Text-image alignment"), gettext_lazy("Compares a picture with its prompt"), "CLIP_MODEL"),
}


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """Environment variable with its present value and meaning."""

    name: str
    value: str  # without secrets
    is_set: bool  # True if the environment sets it; else the default applies
    description: SafeString


@dataclass(frozen=True, slots=True)
class EngineSetting:
    """Engine that is set up for one task, with the variable that selects it."""

    label: StrOrPromise
    purpose: StrOrPromise
    class_name: str  # "" if no engine is set up
    model: str
    variable: str


def list_variables() -> list[EnvironmentVariable]:
    """Return the documented variables in the order of the settings."""
    return [
        EnvironmentVariable(name, value, is_set, _mark_code(description))
        for name, (value, is_set, description) in settings.ENVIRONMENT.items()
    ]


def list_engines() -> list[EngineSetting]:
    """Return the engines in the order of `ENGINES`, with passwords in URLs masked."""
    engines = []
    for name, (label, purpose, variable) in ENGINES.items():
        chosen: dict[str, Any] = settings.ENGINES.get(name) or {}
        options = chosen.get("OPTIONS", {})
        model = next((str(options[key]) for key in ("model", "path", "url") if options.get(key)), "")
        class_name = str(chosen.get("BACKEND", "")).rpartition(".")[2]
        engines.append(EngineSetting(label, purpose, class_name, _PASSWORD.sub("•••@", model), variable))
    return engines


def _mark_code(text: str) -> SafeString:
    """Return the text as HTML with parts between backticks as code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts)
    )
