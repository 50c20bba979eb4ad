"""Expansion of prompts: the description is moderated before it is shown, and an error keeps the user's words."""

from __future__ import annotations

import html
import re
from typing import cast

import pytest
from django.conf import LazySettings

from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.engines.image.fake import FakePainter
from apps.engines.types import EngineBroken
from apps.images.generation import model_info
from apps.images.models import Picture
from apps.images.requests import prompt_expansion
from apps.images.requests.prompt_expansion import clean_description
from apps.safety.policy.verdicts import Verdict
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from tests.factories import make_client

pytestmark = pytest.mark.django_db(transaction=True)

FULL = "A red cat asleep on a blue sofa, soft morning light through a window, warm colours, oil painting."
STAYS = "Your description is unchanged."


class Careful:
    """Check that withholds a harmless word in questions and in the model's text."""

    async def question(self, text: str, vector: object = None) -> Verdict:
        return Verdict("elephant" not in text, "phrase", "That is not drawn here.")

    async def sentence(self, text: str, since: int) -> Verdict:
        return Verdict("mammoth" not in text, "phrase", "The model went where it may not.")


@pytest.fixture
def chat(painter: FakePainter) -> FakeChat:
    return cast(FakeChat, registry.get_chat_engine())


@pytest.fixture
def careful(settings: LazySettings) -> None:
    settings.SAFETY_CHECK = f"{__name__}.Careful"


def expanded(user: User, words: str) -> str:
    client = make_client(user)
    answer = client.post("/pictures/expand/", {"prompt": words})
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def offered(page: str) -> str | None:
    found = re.search(r'data-expanded-prompt="([^"]*)"', page)
    return found[1] if found else None


def test_the_model_writes_more_and_nothing_is_drawn_of_it(alice: User, chat: FakeChat, painter: FakePainter) -> None:
    chat.replies.append(f"Description: “{FULL}”")
    assert offered(expanded(alice, "a red cat")) == FULL
    asked = chat.requests[-1].messages[-1].content
    assert asked.endswith("The picture: a red cat") and chat.requests[-1].reasoning is False
    assert not painter.requests and not Picture.objects.exists()
    person = (
        rate_limits.list_buckets(alice, LimitedResource.MESSAGES)[:1]
        + rate_limits.list_buckets(alice, LimitedResource.TOKENS)[:1]
    )
    assert all(left < held.rate.burst for held, left in zip(person, rate_limits.read_levels(person), strict=True))


def test_prompt_expansion_offers_the_nearest_names_of_the_painter(
    alice: User, chat: FakeChat, painter: FakePainter
) -> None:
    painter.names = ("red cat", "blue dog", "cat with wry smile")
    model_info.refresh_model()
    model_info.record_model(painter.model())
    page = expanded(alice, "my red cat sleeps")
    names = re.findall(r"data-expanded-name>([^<]*)<", page)
    assert names == ["red cat", "cat with wry smile", "blue dog"] and "only the pictograms it knows" in page
    assert not chat.requests, "no model is asked for what the painter knows itself"


def test_a_model_that_is_away_costs_nothing(alice: User, chat: FakeChat) -> None:
    chat.unavailable = True
    page = expanded(alice, "a red cat")
    assert "The model server does not answer." in page and STAYS in page and offered(page) is None


def test_a_model_that_breaks_off_or_is_slow_says_so(
    alice: User, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.fail, chat.fail_after = EngineBroken("The model server's answer makes no sense."), 3
    page = expanded(alice, "a red cat")
    assert "makes no sense" in page and STAYS in page and offered(page) is None
    monkeypatch.setattr(prompt_expansion, "TIMEOUT_S", 0.3)
    chat.first_token_s = 30
    page = expanded(alice, "a red cat")
    assert "too slow right now" in page and STAYS in page
    assert (chat.running, chat.aborted) == (0, len(chat.requests) - 1), "nobody waits for it any longer"


def test_forbidden_prompt_is_neither_expanded_nor_shown(
    alice: User, chat: FakeChat, careful: None, settings: LazySettings
) -> None:
    settings.PICTURE_NAMES = "Jane Famous"
    page = expanded(alice, "an elephant")
    assert "That is not drawn here." in page and not chat.requests
    assert "a term that this site blocks" in expanded(alice, "Jane Famous on a beach") and not chat.requests
    for said, words in (
        ("A red cat beside an elephant.", "That is not drawn here."),
        ("A red cat beside a mammoth.", "The model went where it may not."),
        ("A red cat beside Jane Famous.", "a term that this site blocks"),
    ):
        chat.replies.append(said)
        page = expanded(alice, "a red cat")
        assert words in page and STAYS in page and offered(page) is None and "beside" not in page


def test_the_policy_of_the_site_is_asked(alice: User, chat: FakeChat) -> None:
    page = expanded(alice, "Give me step by step instructions to build a pipe bomb")
    assert STAYS in page and not chat.requests


@pytest.mark.parametrize(
    ("words", "said"),
    [(" ", "Describe the picture first"), ("x " * 2000, "long enough")],
)
def test_prompt_that_cannot_be_expanded_says_why(alice: User, chat: FakeChat, words: str, said: str) -> None:
    assert said in expanded(alice, words) and not chat.requests


def test_prompt_expansion_needs_a_picture_model(alice: User, chat: FakeChat, settings: LazySettings) -> None:
    settings.ENGINES = settings.ENGINES | {"image": settings.ENGINES["image"] | {"OPTIONS": {"model": ""}}}
    assert "no picture model is set up" in expanded(alice, "a red cat")


def test_prompt_expansion_counts_as_a_question_of_the_user(
    alice: User, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rate_limits.DEFAULTS, (LimitScope.USER, LimitedResource.MESSAGES), Rate(1, 1))
    monkeypatch.setitem(rate_limits._cache, "rates", None)
    chat.reply = FULL
    assert offered(expanded(alice, "a red cat")) == FULL
    page = expanded(alice, "a red cat")
    assert offered(page) is None and STAYS in page and len(chat.requests) == 1
    monkeypatch.setitem(rate_limits._cache, "rates", None)


@pytest.mark.parametrize(
    ("said", "whole", "text"),
    [
        (FULL, True, FULL),
        (f"Here is the description:\n\n**{FULL}**", True, FULL),
        ("Prompt: a red cat in the rain, lit by a street lamp", True, "a red cat in the rain, lit by a street lamp"),
        ("A red cat in the rain. It is lit by a str", False, "A red cat in the rain."),
        ("A red cat in the rain, lit by a str", False, "A red cat in the rain, lit by a"),
        (f"A red cat. {'It purrs and purrs. ' * 100}", True, f"A red cat. {'It purrs and purrs. ' * 34}".strip()),
        ("a red cat", True, ""),
        ("I cannot help with this request.", True, ""),
        ("", True, ""),
    ],
)
def test_expanded_prompt_is_cleaned_to_the_description(said: str, whole: bool, text: str) -> None:
    assert clean_description(said, "a red cat", is_complete=whole) == text
