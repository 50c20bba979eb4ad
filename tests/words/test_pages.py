"""Pages in German and Spanish show no sentence in English that has a translation."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils import translation

from apps.users.models import User
from tests.words import sources
from tests.words.page_texts import find_texts, get_english

PAGES = (
    "/", "/collections/", "/assistants/", "/conversations/all/", "/instructions/", "/prompts/", "/notices/", "/tokens/",
    "/limits/", "/privacy/", "/people/", "/people/groups/", "/settings/", "/review/",
)  # fmt: skip


@pytest.mark.parametrize("language", sources.LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_in_its_language(client: Client, ada: User, language: str, path: str) -> None:
    User.objects.filter(pk=ada.pk).update(language=language)
    client.force_login(ada)
    answer = client.get(path)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in page
    assert sorted(find_texts(page) & get_english(language)) == []


@pytest.mark.parametrize("language", sources.LANGUAGES)
@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/nowhere/"])
def test_pages_before_sign_in_are_in_the_language_of_the_browser(
    client: Client, db: None, language: str, path: str
) -> None:
    page = client.get(path, headers={"accept-language": language}).content.decode()
    assert f'<html lang="{language}"' in page
    assert sorted(find_texts(page) & get_english(language)) == []


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
