"""What a person had a tool do is part of what the model is told in later turns, and goes when it is withheld."""

from __future__ import annotations

import pytest

from apps.conversations.core.requests import AskRequest
from apps.conversations.models import Conversation, Message
from apps.conversations.tools import call_cards
from apps.conversations.turns import preparation
from apps.lib.concurrency.threads import in_db
from tests.factories import get_reviewer, make_client, overturn_decision, withhold_message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("log")]
RESULT = "Calculator: 6 * 7 = 42"
ABOUT = "How long do workers live in summer?"


async def turn(page, text: str):
    """In the one conversation of the test; how it ended."""
    conversation = await Conversation.objects.order_by("created").afirst()
    accepted = await page.ask(text, **({"conversation": str(conversation.pk)} if conversation else {}))
    assert accepted["type"] == "accepted", accepted
    await page.events()
    return await Message.objects.select_related("parent").aget(pk=accepted["turn"])


def sent(chat) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in chat.requests[-1].messages[1:]]


async def test_a_result_stands_in_the_prompt_of_the_next_question(page, library, chat) -> None:
    called = await turn(page, "/calc 6 * 7")
    answer = await turn(page, ABOUT)
    first, second, asked = sent(chat)
    assert first == ("user", f"Sources:\n{RESULT}\n\nQuestion: /calc 6 * 7")
    assert second == ("assistant", "What the tool gave stands above.") and asked[1].endswith(f"Question: {ABOUT}")
    assert called.tools[0]["by_person"] and answer.usage["window"]["history"] > 10
    assert "/calc" not in str(answer.steps), "what was called is not searched for"


async def test_a_question_about_it_is_answered_where_no_document_speaks_to_it(page, library, chat) -> None:
    await turn(page, "/calc 6 * 7")
    chat.replies.append("Twice that is 84.")
    answer = await turn(page, "Zwiebelkuchen verdoppelt?")
    assert answer.text == "Twice that is 84." and not answer.nothing_found
    assert [step["words"] for step in answer.steps if step["name"] == "called"] == [
        "Answered from the result of the tool, not from documents"
    ]
    later = await turn(page, "Zwiebelkuchen verdreifacht?")
    assert later.nothing_found, "only what follows a call at once may be about it"


async def test_tool_result_behind_an_earlier_answer_is_told_again(page, library, chat) -> None:
    chat.replies += ["Yes, it is.", "About six weeks."]
    await turn(page, "/calc 6 * 7\nIs that more than forty?")
    await turn(page, ABOUT)
    assert RESULT in sent(chat)[0][1] and sent(chat)[1] == ("assistant", "Yes, it is.")


async def test_passages_of_a_document_that_was_read_are_told_again(page, library, chat) -> None:
    await turn(page, "/read Bees")
    await turn(page, "Zwiebelkuchen?")
    assert '[1] Bees: "' in sent(chat)[0][1]


async def test_a_call_that_failed_is_not_told(page, library, chat) -> None:
    await turn(page, "/calc 1 / 0")
    await turn(page, ABOUT)
    assert len(sent(chat)) == 1


async def test_long_results_are_cut_and_the_oldest_calls_go_first(page, library, chat) -> None:
    called = await turn(page, "/calc 6 * 7")
    record = {**called.tools[0], "text": "so it is " * 1000}
    assert [len(line) for line in call_cards.make_history_notes([record])] == [call_cards.MAX_NOTE_CHARACTERS]
    for _ in range(9):
        called = await turn(page, "/calc 6 * 7")
        called.tools = [record]
        await called.asave(update_fields=["tools"])
    chat.context_tokens = 2048
    answer = await turn(page, ABOUT)
    window = answer.usage["window"]
    assert window["dropped"] > 0 and answer.status == "complete"
    assert window["size"] >= sum(window[name] for name in ("instructions", "history", "sources", "question"))


async def test_a_question_is_not_completed_by_what_was_called(page, alice, library, chat) -> None:
    accepted = await page.get_answer("/calc 6 * 7")
    wish = AskRequest(client_id="x", text="And then?", conversation=str(accepted.conversation_id))
    found = await in_db(preparation.prepare_turn, alice, None, wish)
    assert [past.only_called_tool for past in found.history] == [True]


@pytest.mark.parametrize("kind", ["answer", "question"])
async def test_withheld_call_hides_the_record_of_what_follows_and_comes_back(page, alice, library, chat, kind) -> None:
    called = await turn(page, "/calc 6 * 7")
    answer = await turn(page, ABOUT)

    def record() -> str:
        client = make_client(alice)
        return client.get(f"/answers/{answer.pk}/behind/").content.decode()

    def check() -> None:
        get_reviewer("ada")
        whole = record()
        assert RESULT in whole
        case = withhold_message(called, kind)
        assert RESULT not in record() and "Not available at the moment" in record()
        overturn_decision(case)
        assert record() == whole

    await in_db(check)
