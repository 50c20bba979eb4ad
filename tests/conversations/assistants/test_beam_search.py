"""Beam search: offered where the server has it, kept with what it was chosen for, and refused in words."""

from __future__ import annotations

import pytest

from apps.conversations.core.sampling import MAX_BEAM_TOKENS, parse_sampling
from apps.conversations.models.assistant import Assistant
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from tests.conversations.assistants.conftest import FORM, submit_assistant
from tests.factories import make_client
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db(transaction=True)

HIGH = "How high was the lighthouse of Alexandria?"


def test_beam_search_is_short_without_a_given_length() -> None:
    assert (
        parse_sampling({"beams": "4"}).get_max_tokens(512) == MAX_BEAM_TOKENS
        and parse_sampling({"beams": 4, "max_tokens": 400}).get_max_tokens(512) == 400
    )
    assert parse_sampling({}).get_max_tokens(512) == 512 and parse_sampling({"beams": 4}).make_sampling(99).beams == 4


async def test_the_text_comes_without_tokens_and_tools_and_the_record_says_why(
    open_page, alice, library, caller
) -> None:
    caller.beams = 8
    answer = await (await open_page(alice)).get_answer(HIGH, sampling={"preset": "balanced", "beams": "4"})
    (request,) = caller.requests
    assert (request.sampling.beams, request.tools, request.sampling.max_tokens) == (4, (), MAX_BEAM_TOKENS)
    assert answer.status == "complete" and "280 and 247 BC" in answer.text
    assert answer.usage["sampling"] == {"preset": "balanced", "beams": 4, "max_tokens": MAX_BEAM_TOKENS}

    def look() -> str:
        client = make_client(alice)
        return client.get(f"/answers/{answer.pk}/behind/").content.decode()

    shown = await in_db(look)
    assert "<dt>Beams</dt><dd>4</dd>" in strip_layout(shown) and "data-tokens" not in shown


async def test_a_server_that_has_none_is_said_in_words(open_page, alice, library, chat: FakeChat) -> None:
    answer = await (await open_page(alice)).get_answer(HIGH, sampling={"preset": "balanced", "beams": 2})
    assert answer.status == "failed" and "Clear “Beams” under Advanced" in answer.reason


def test_the_field_is_offered_where_the_server_has_it(alice, chat: FakeChat) -> None:
    client = make_client(alice)
    assert 'hx-get="/beams/"' in client.get("/").content.decode()
    assert client.get("/beams/").status_code == 204
    chat.beams = 8
    field = strip_layout(client.get("/beams/").content.decode())
    assert 'data-control="beams"' in field and 'min="2" max="8"' in field and "without probabilities" in field
    chat.unavailable = True
    assert client.get("/beams/").status_code == 204


def test_an_assistant_keeps_it_and_shows_it_whatever_the_server_has(alice) -> None:
    client = make_client(alice)
    row = submit_assistant(client, beams="4")
    assert row.sampling == {"beams": 4}
    page = client.get(f"/assistants/{row.pk}/").content.decode()
    assert page.count('name="beams"') == 1 and 'value="4"' in page
    client.post(f"/assistants/{row.pk}/", FORM | {"version": "1"})
    assert Assistant.objects.get(pk=row.pk).sampling == {}
    refused = client.post("/assistants/new/", FORM | {"beams": "9"})
    assert refused.status_code == 400 and "between 2 and 8" in refused.content.decode()
