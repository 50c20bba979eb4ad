"""Rows of the page of models: each chat model, of the environment or of the page, with what is known of it here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone

from apps.conversations.assistants.model_menu import describe_size
from apps.conversations.core import model_servers
from apps.conversations.models import ModelProfile, RestrictedModel, ServedModel
from apps.engines import registry
from apps.engines.chat.model_catalog import MAIN
from apps.users.models import UsageDay

if TYPE_CHECKING:
    from django.contrib.auth.models import Group

PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")
USED_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """Chat model on the page of models."""

    name: str
    url: str  # page on which it is changed; "" if it is not
    server: str
    outside: bool
    of_environment: bool
    enabled: bool
    is_default: bool
    is_replaced: bool  # a default of the page takes its place
    groups: list[Group] | None  # None: everyone may use it
    tools: bool
    pictures: bool
    reasoning: bool
    size: str  # "" if its name does not say
    profile: ModelProfile  # what was measured here; an unsaved one if nothing was
    tokens: int  # that it read and wrote within USED_DAYS


def list_chat_models() -> list[ModelRow]:
    """Return the chat models, those of the environment first. Passwords in addresses of servers are masked."""
    measured = _Measured({profile.name: profile for profile in ModelProfile.objects.all()}, _sum_tokens())
    return [*_list_environment_models(measured), *_list_page_models(measured)]


@dataclass(frozen=True, slots=True)
class _Measured:
    """Profiles and used tokens of models, by their names on their servers."""

    profiles: dict[str, ModelProfile]
    tokens: dict[str, int]

    def describe(self, served: str) -> dict[str, Any]:
        """Return `size`, `profile` and `tokens` of a row."""
        profile = self.profiles.get(served) or ModelProfile(name=served)
        return {"size": describe_size(served), "profile": profile, "tokens": self.tokens.get(served, 0)}


def _list_environment_models(measured: _Measured) -> Iterator[ModelRow]:
    restricted = {row.name: row for row in RestrictedModel.objects.prefetch_related("groups")}
    replaced = bool(model_servers.load_page_models().default)
    for name, config in settings.CHATS.items():
        about, is_main = config["ABOUT"], name == MAIN
        row = None if is_main else restricted.get(name)
        served = config["OPTIONS"].get("model", "")
        if not (is_main and replaced):
            served = registry.get_chat_engine(name).served_name
        url = "" if is_main else reverse("administration:environment_model", args=[name])
        yield ModelRow(
            name=about["label"] or name, url=url,
            server=PASSWORD.sub("•••@", about["server"]), outside=about.get("outside", False), of_environment=True,
            enabled=True, is_default=is_main and not replaced, is_replaced=is_main and replaced,
            groups=list(row.groups.all()) if row else None, tools=about.get("supports_tools", True),
            pictures=about.get("supports_pictures", False), reasoning=about.get("supports_reasoning", False),
            **measured.describe(served),
        )  # fmt: skip


def _list_page_models(measured: _Measured) -> Iterator[ModelRow]:
    for model in ServedModel.objects.select_related("server").prefetch_related("groups"):
        yield ModelRow(
            name=model.name, url=reverse("administration:model", args=[model.pk]), server=model.server.name,
            outside=model.server.outside, of_environment=False, enabled=model.enabled and model.server.enabled,
            is_default=model.is_default and not settings.DEFAULT_MODEL_IS_FIXED, is_replaced=False,
            groups=None if model.for_everyone else list(model.groups.all()), tools=model.tools,
            pictures=model.pictures, reasoning=bool(model.reasoning), **measured.describe(model.served_name),
        )  # fmt: skip


def _sum_tokens() -> dict[str, int]:
    since = timezone.now().date() - timedelta(days=USED_DAYS)
    rows = UsageDay.objects.filter(day__gt=since).order_by().values("model").annotate(used=Sum("tokens"))
    return dict(rows.values_list("model", "used"))
