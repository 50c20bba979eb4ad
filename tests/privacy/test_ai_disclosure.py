"""Users are told that they talk to an AI: at sign-up, at sign-in, and in an empty chat."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.users.models import SiteSettings, User

pytestmark = pytest.mark.django_db
SAID = "You are talking to an AI"


def test_ai_disclosure_is_shown_before_anybody_has_an_account(client: Client) -> None:
    SiteSettings.objects.update_or_create(pk=1, defaults={"signup": SiteSettings.Signup.OPEN})
    for address in ("/accounts/login/", "/accounts/signup/"):
        page = client.get(address).content.decode()
        assert page.count(SAID) == 1 and "not by a person" in page


@pytest.mark.parametrize("address", ["/", "/temporary/"])
def test_ai_disclosure_is_shown_in_an_empty_chat(client: Client, alice: User, address: str) -> None:
    client.force_login(alice)
    assert client.get(address).content.decode().count(SAID) == 1


def test_ai_disclosure_is_shown_in_the_language_of_the_page(client: Client, alice: User) -> None:
    for language, words in (("de", "Sie sprechen mit einer KI"), ("es", "Está hablando con una IA")):
        for address in ("/accounts/login/", "/"):
            if address == "/":
                client.force_login(alice)
            assert words in client.get(address, headers={"accept-language": language}).content.decode()
        client.logout()
