"""A model that calls tools: cards, numbered sources, further rounds, and an end whatever happens."""

from __future__ import annotations

import pytest

from apps.conversations.history import transcript
from apps.conversations.models import Citation, Message, RetrievedPassage
from apps.conversations.tools import loop
from apps.conversations.tools.base import BaseTool, ToolError, ToolResult
from apps.lib.concurrency.threads import in_db
from tests.conversations.tools.conftest import Tried, calls, said, tools_in
from tests.factories import make_collection, make_document

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("log")]
QUESTION = "How high was the lighthouse of Alexandria?"


async def test_a_call_has_a_card_and_its_result_goes_back_to_the_model(page, library, caller) -> None:
    calls(caller, ("calculator", {"expression": "6 * 7"}))
    caller.replies.append("It is 42.")
    answer, events = await page.ask_to_end(QUESTION)
    (card,) = tools_in(events)
    assert "6 * 7 = 42" in card and 'data-status="done"' in card
    assert answer.text == "It is 42." and answer.status == Message.Status.COMPLETE
    assert [(item["tool"], item["status"], item["text"]) for item in answer.tools] == [
        ("calculator", "done", "6 * 7 = 42")
    ]
    first, second = caller.requests
    assert {tool["function"]["name"] for tool in first.tools} >= {"calculator", "dates", "search_documents"}
    assert second.messages[: len(first.messages)] == first.messages, "the prefix cache would be lost"
    assert [message.role for message in second.messages[-2:]] == ["assistant", "tool"]
    assert second.messages[-1].content == "6 * 7 = 42" and second.messages[-1].call_id == "call-0"
    assert answer.usage["prompt_tokens"] > sum(caller.count([message.content for message in second.messages]))


async def test_a_reload_shows_the_same_card(page, alice, library, caller) -> None:
    calls(caller, ("dates", {"expression": "2026-12-24 - 2026-12-01"}))
    answer, events = await page.ask_to_end(QUESTION)
    shown = await in_db(
        transcript.load_turn, alice, await Message.objects.select_related("conversation").aget(pk=answer.pk)
    )
    assert shown["answer"]["tools_html"] == tools_in(events)[0] and "23 days" in shown["answer"]["tools_html"]


@pytest.mark.usefixtures("any_sentence_answers")
async def test_search_tool_results_are_sources_that_verify_sentences(page, library, caller) -> None:
    calls(caller, ("search_documents", {"query": "How long can a bee queen live?"}))
    caller.replies.append("The queen can live for five years.")
    answer, events = await page.ask_to_end(QUESTION)
    (card,) = tools_in(events)
    assert '/sources/2/"' in card and "five years" not in card, "words of documents are kept nowhere else"
    told = caller.requests[-1].messages[-1].content
    assert '[2] Bees: "' in told and "five years" in told
    cite = await Citation.objects.select_related("source__document").aget(answer=answer)
    assert (cite.source.number, str(cite.source.document)) == (2, "Bees")
    assert await RetrievedPassage.objects.filter(answer=answer).acount() == 2
    assert '"five years"' not in str(answer.tools) and "five years" not in str(answer.tools)


async def test_passage_found_again_keeps_its_number(page, library, caller) -> None:
    calls(caller, ("search_documents", {"query": QUESTION}), ("search_documents", {"query": "earthquakes lighthouse"}))
    answer, _ = await page.ask_to_end(QUESTION)
    told = [message.content for message in caller.requests[-1].messages if message.role == "tool"]
    assert "[1]: as given above" in told[0]
    assert await RetrievedPassage.objects.filter(answer=answer).acount() == 1


async def test_a_document_is_read_whole_by_its_title_and_only_by_those_who_may(page, bob, library, caller) -> None:
    collection = await in_db(make_collection, bob, "Private")
    await in_db(make_document, collection, "Diary of Bob", ["Bob hid the silver key under the third stair."])
    calls(caller, ("read_document", {"title": "bees"}), ("read_document", {"title": "Diary of Bob"}))
    _, events = await page.ask_to_end(QUESTION)
    bees, diary = tools_in(events)
    assert "Bees, page 1." in bees and 'data-status="done"' in bees
    assert 'data-status="failed"' in diary and "None of the documents" in diary
    assert "silver" not in "".join(message.content for request in caller.requests for message in request.messages)


async def test_a_title_that_is_not_there_reads_like_one_that_may_not_be_read(page, caller, library) -> None:
    calls(caller, ("read_document", {"title": "Nowhere"}), ("read_document", {"title": "e"}))
    answer, _ = await page.ask_to_end(QUESTION)
    assert answer.tools[0]["words"].startswith("None of the documents")
    assert answer.tools[1]["words"].startswith("Several documents match: “Bees.md”, “Lighthouses.md”")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{nonsense", "cannot be read"),
        ("[]", "cannot be read"),
        ({}, "are not valid"),
        ({"expression": 7}, "are not valid"),
    ],
)
async def test_arguments_that_make_no_sense_end_on_the_card(page, library, caller, arguments, words) -> None:
    calls(caller, ("calculator", arguments))
    caller.replies.append("I could not calculate.")
    answer, events = await page.ask_to_end(QUESTION)
    assert words in tools_in(events)[0] and answer.text == "I could not calculate."
    assert "The call failed" in caller.requests[-1].messages[-1].content


async def test_an_unknown_tool_and_one_that_breaks_end_on_their_cards(page, library, caller, offer) -> None:
    async def breaks(arguments, context):
        raise ValueError("secret of the server")

    async def refuses(arguments, context):
        raise ToolError("Not on Sundays.")

    offer(Tried(breaks, "breaks"), Tried(refuses, "refuses"), Tried(lambda *_: said_nothing(), "lies"))
    calls(caller, ("nope", {}), ("breaks", {}), ("refuses", {}), ("lies", {}))
    answer, events = await page.ask_to_end(QUESTION)
    cards = tools_in(events)
    assert "There is no tool with this name" in cards[0] and "went wrong" in cards[1]
    assert "Not on Sundays." in cards[2] and "an invalid result" in cards[3]
    assert "secret" not in "".join(cards) and answer.status == Message.Status.COMPLETE


async def said_nothing():
    return {"text": "not a Result"}


async def test_rounds_have_an_end_and_the_model_then_answers(page, library, caller, offer) -> None:
    offer(tool := Tried(said))
    for at in range(9):
        calls(caller, ("tried", {"text": str(at)}))
    caller.replies.append("That is all.")
    answer, _ = await page.ask_to_end(QUESTION)
    assert len(tool.given) == loop.MAX_ROUNDS and answer.text == "That is all."
    assert caller.requests[-1].tool_choice == "none"


async def test_tool_calls_beyond_the_limit_or_repeated_are_not_made(page, library, caller, offer) -> None:
    offer(tool := Tried(said))
    calls(caller, *[("tried", {"text": str(at)}) for at in range(6)])
    calls(caller, ("tried", {"text": "0"}))
    await page.ask_to_end(QUESTION)
    assert [item["text"] for item in tool.given] == ["0", "1", "2", "3"]
    assert "not repeated" in caller.requests[-1].messages[-1].content


async def test_results_never_fill_the_window(page, library, caller, offer) -> None:
    async def long(arguments, context):
        return ToolResult("word " * 100_000)

    caller.context_tokens = 3000
    offer(Tried(long))
    calls(caller, ("tried", {"text": "1"}), ("tried", {"text": "2"}))
    calls(caller, ("tried", {"text": "3"}))
    answer, _ = await page.ask_to_end(QUESTION)
    assert answer.status == Message.Status.COMPLETE and answer.text
    for request in caller.requests:
        used = sum(caller.count([message.content for message in request.messages]))
        assert used + request.sampling.max_tokens <= 3000


async def test_text_before_and_after_a_call_are_two_paragraphs(page, library, caller, offer) -> None:
    class Late(BaseTool):
        name, title, description = "late", "Late", "Comes after the text of its round, in a test."
        parameters = {"type": "object"}

        async def call(self, arguments, context):
            return ToolResult("done")

    offer(Late())
    caller.say_before_calls = "Let me look."
    calls(caller, ("late", {}))
    caller.replies.append("Here it is.")
    answer, _ = await page.ask_to_end(QUESTION)
    assert answer.text == "Let me look.\n\nHere it is."
    assert caller.requests[-1].messages[-2].content == "Let me look."


async def test_model_without_findings_may_call_tools_but_not_answer_by_itself(page, library, caller) -> None:
    caller.replies.append("From what I know, it is 330 metres.")
    answer, events = await page.ask_to_end("How tall is the Eiffel tower of Paris?")
    assert "nothing" in {event["type"] for event in events} and answer.text == "" and answer.nothing_found
    calls(caller, ("calculator", {"expression": "2 + 2"}))
    caller.replies.append("It is 4.")
    answer, events = await page.ask_to_end("What is two and two, please calculate?")
    assert answer.text == "It is 4." and not answer.nothing_found
    assert "Not checked against documents" in answer.steps[-1]["words"]


TWICE = "It is a collection of documents that are searched. " * 2


async def test_text_held_back_as_a_repetition_is_shown_no_sooner_than_other_text(page, library, caller) -> None:
    """At the end of a round: not where nothing was found, and apart from what an earlier round said."""
    caller.replies.append(f"{TWICE}It is a")
    answer, events = await page.ask_to_end("How tall is the Eiffel tower of Paris?")
    assert "nothing" in {event["type"] for event in events} and answer.text == "" and answer.nothing_found
    calls(caller, ("calculator", {"expression": "2 + 2"}))
    caller.say_before_calls = TWICE.rstrip()
    caller.replies.append("It is a")
    answer, _ = await page.ask_to_end(QUESTION)
    assert answer.text == f"{TWICE.rstrip()}\n\nIt is a"


async def test_a_server_that_takes_no_tools_is_offered_none(page, library, chat) -> None:
    await page.ask_to_end(QUESTION)
    assert chat.requests[-1].tools == () and "tools" not in chat.requests[-1].messages[0].content
