"""What lies behind an answer: recorded small, opened on demand, with the words that its reader may read then."""

from __future__ import annotations

import pytest

from apps.conversations.history import trace_view
from apps.conversations.models import AnswerTrace, Message
from apps.conversations.turns import trace
from apps.documents.models import Document
from apps.engines.types import TokenProb
from apps.lib.concurrency.threads import in_db
from apps.safety.detectors import canary
from apps.users.models import User
from tests.conversations.conftest import writes_on
from tests.factories import make_client

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


def opened(user: User, turn: str):
    client = make_client(user)
    return client.get(f"/answers/{turn}/behind/")


async def answered(open_page, alice, chat, reply: str = "It stood about 100 metres high [1]. It was made of cheese."):
    chat.replies.append(reply)
    page = await open_page(alice)
    turn, events = await page.ask_to_end(QUESTION)
    return str(turn.pk), events


async def test_the_record_shows_every_stage_and_the_prompt_exactly(open_page, alice, library, chat) -> None:
    turn, _ = await answered(open_page, alice, chat)
    shown = (await in_db(opened, alice, turn)).context["behind"]
    sent = [(message.role, canary.mask_canary(message.content)) for message in chat.requests[-1].messages]
    assert [(item["role"], item["content"]) for item in shown["prompt"]] == sent
    assert {"Question checked", "Index searched", "Model wrote the answer"} <= {
        row["words"] for row in shown["timeline"]
    }
    kept = [item for item in shown["search"]["candidates"] if item["kept"]]
    assert kept and kept[0]["title"] == "Lighthouses" and kept[0]["number"] == 1
    assert all(item["why"] for item in shown["search"]["candidates"] if not item["kept"])
    assert "".join(token.text for token in shown["tokens"]).startswith("It stood about 100 metres high")
    assert len(shown["tokens"][0].alternatives) > 2 and shown["tokens"][0].percent == "90%"
    assert [bool(item.number) for item in shown["sentences"]] == [True, False]


async def test_the_record_holds_no_word_of_a_document_and_is_small(open_page, alice, library, chat) -> None:
    turn, _ = await answered(open_page, alice, chat, "Nobody knows. " * 60)
    row = await AnswerTrace.objects.aget(answer=turn)
    assert len(row.data) < 8 * 1024
    assert "earthquakes" not in str(trace.unpack_trace(bytes(row.data))), "the passage's own words"
    assert "earthquakes" in (await in_db(opened, alice, turn)).content.decode()
    await in_db(lambda: Document.objects.filter(title="Lighthouses").delete())
    page = (await in_db(opened, alice, turn)).content.decode()
    assert "earthquakes" not in page and str(trace_view.PASSAGE_GONE) in page and "no longer available" in page


async def test_trace_of_another_users_answer_is_not_found(open_page, alice, bob, library, chat) -> None:
    turn, _ = await answered(open_page, alice, chat)
    assert (await in_db(opened, bob, turn)).status_code == 404


async def test_a_follow_up_shows_the_completed_query_and_the_earlier_turns(page, alice, library, chat) -> None:
    chat.replies += ["It stood about 100 metres high [1].", "Earthquakes damaged it [1]."]
    first = await page.get_answer(QUESTION)
    follow = await page.get_answer("And what damaged it?", conversation=str(first.conversation_id))
    shown = (await in_db(opened, alice, str(follow.pk))).context["behind"]
    assert shown["asked"] == "And what damaged it?"
    sent = [canary.mask_canary(message.content) for message in chat.requests[-1].messages]
    assert [item["content"] for item in shown["prompt"]] == sent and len(sent) == 4


async def test_text_held_back_by_the_gate_is_not_among_the_tokens(open_page, alice, library, chat) -> None:
    secret = "Here is how to build a pipe bomb at home: first, take"
    turn, events = await answered(open_page, alice, chat, f"It stood 100 metres high. {secret} a pipe.")
    row = await Message.objects.aget(pk=turn)
    shown = (await in_db(opened, alice, turn)).context["behind"]
    said = "".join(token.text for token in shown["tokens"])
    assert len(said) <= len(row.text) + len(" metres")
    if events[-1]["status"] == "withheld":
        assert "pipe" not in said


async def test_a_stopped_answer_and_one_that_found_nothing_have_their_record(page, alice, library, chat) -> None:
    turn = await page.ask("Which composer wrote the opera Wozzeck?")
    await page.events()
    shown = (await in_db(opened, alice, turn["turn"])).context["behind"]
    assert shown["prompt"] == [] and shown["tokens"] == [] and shown["search"]["kept"] == 0
    writes_on(chat)
    turn = await page.ask(QUESTION)
    await page.hear("text")
    await page.tell(do="stop", turn=turn["turn"])
    await page.events()
    shown = (await in_db(opened, alice, turn["turn"])).context["behind"]
    assert shown["tokens"] and len(shown["tokens"]) < 300


def test_a_token_that_reaches_into_what_was_withheld_is_kept_as_far_as_it_was_shown() -> None:
    said = [TokenProb(text, -0.1, ((text, -0.1), (f"{text}!", -2.0))) for text in ("See", " [here](secret)", " now")]
    first = ["See", -0.1, [["See!", -2.0]]]
    assert trace._record_tokens(said, 0) == []
    assert trace._record_tokens(said, 3) == [first]
    assert trace._record_tokens(said, 4) == [first, [" ", -0.1, []]]
    assert trace._record_tokens(said, 99)[1:] == [
        [word, -0.1, [[f"{word}!", -2.0]]] for word in (" [here](secret)", " now")
    ]


@pytest.mark.parametrize(
    ("logprob", "level", "percent"), [(0.0, 0, "100%"), (-0.7, 2, "50%"), (-3, 4, "5.0%"), (-99, 4, "< 0.1%")]
)
def test_a_probability_in_words_and_colour(logprob: float, level: int, percent: str) -> None:
    token = trace_view._make_token("x", logprob, [["y", -1.0]])
    assert (token.level, token.percent, token.alternatives) == (level, percent, '[["y","37%"]]')
