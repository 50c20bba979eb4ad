"""Texts of administrators for the whole site: instructions for every answer, and a banner on every page.

Entry points: `load_site_texts`, `refresh_site_texts`, and the context processor `build_banner_context`. Each process
reads the row again after SITE_TEXTS_S seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from apps.users.models import SiteSettings


@dataclass(frozen=True, slots=True)
class SiteTexts:
    """Texts of the site; "" for none."""

    instructions: str = ""
    banner: str = ""


_copy: dict[str, tuple[float, SiteTexts]] = {"texts": (float("-inf"), SiteTexts())}  # when read, and what


def load_site_texts() -> SiteTexts:
    """Return the texts as they were at most SITE_TEXTS_S ago. For threads that may use the database."""
    read_at, texts = _copy["texts"]
    if time.monotonic() - read_at > settings.SITE_TEXTS_S:
        refresh_site_texts()
        texts = _copy["texts"][1]
    return texts


def refresh_site_texts() -> None:
    """Read the texts from the database now."""
    row = SiteSettings.objects.filter(pk=1).values_list("instructions", "banner").first()
    _copy["texts"] = time.monotonic(), SiteTexts(*row) if row else SiteTexts()


def build_banner_context(request: HttpRequest) -> dict[str, Callable[[], str]]:
    """Return `site_banner` for the pages of signed-in users; "" for others. Nothing is read unless a template shows it,
    as fragments of async views do not."""

    def load_banner() -> str:
        user = getattr(request, "user", None)
        return load_site_texts().banner if user is not None and user.is_authenticated else ""

    return {"site_banner": load_banner}
