"""Pages in German and Spanish show no sentence in English that has a translation."""

from __future__ import annotations

import re
from functools import cache
from html import unescape

import pytest
from babel.messages.pofile import read_po
from django.template import Context, Template
from django.test import Client
from django.utils import translation

from apps.users.models import User
from tests.words import sources

PAGES = (
    "/", "/collections/", "/assistants/", "/conversations/all/", "/instructions/", "/prompts/", "/notices/", "/tokens/",
    "/limits/", "/privacy/", "/people/", "/people/groups/", "/settings/", "/review/",
)  # fmt: skip


@cache
def english(language: str) -> frozenset[str]:
    """Sentences without values whose translation is another."""
    with sources.kept(language, "django").open("rb") as source:
        catalogue = read_po(source, locale=language)
    return frozenset(
        message.id
        for message in catalogue
        if isinstance(message.id, str) and message.id != message.string and " " in message.id and "%" not in message.id
    )


def texts(page: str) -> set[str]:
    """What stands between tags, and what is read out of attributes."""
    page = re.sub(r"<(script|style|code|kbd)\b.*?</\1>", "", page, flags=re.DOTALL)
    found = re.findall(r">([^<>]+)<", page) + re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', page)
    return {" ".join(unescape(text).split()) for text in found}


@pytest.mark.parametrize("language", sources.LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_in_its_language(client: Client, ada: User, language: str, path: str) -> None:
    User.objects.filter(pk=ada.pk).update(language=language)
    client.force_login(ada)
    answer = client.get(path)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in page
    assert sorted(texts(page) & english(language)) == []


@pytest.mark.parametrize("language", sources.LANGUAGES)
@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/nowhere/"])
def test_before_sign_in_too(client: Client, db: None, language: str, path: str) -> None:
    page = client.get(path, headers={"accept-language": language}).content.decode()
    assert f'<html lang="{language}"' in page
    assert sorted(texts(page) & english(language)) == []


def test_numbers_and_plurals_follow_the_language() -> None:
    text = (
        "{% load i18n humanize %}{% blocktranslate count number=n with pages_count=n|intcomma %}{{ pages_count }} page"
        "{% plural %}{{ pages_count }} pages{% endblocktranslate %}"
    )
    shown = {}
    for language in ("en", "de", "es"):
        with translation.override(language):
            shown[language] = [Template(text).render(Context({"n": n})) for n in (1, 2000)]
    assert shown["en"] == ["1 page", "2,000 pages"]
    assert shown["de"] == ["1 Seite", "2.000 Seiten"]
    assert shown["es"][0] == "1 página"
