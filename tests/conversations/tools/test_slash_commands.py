"""`/` commands call a tool without the model, which then answers what stands below them."""

from __future__ import annotations

import pytest

from apps.conversations.models import Message, RetrievedPassage, ToolSetting
from apps.conversations.models.tool import ToolPermission
from apps.conversations.tools import slash_commands
from apps.conversations.tools.base import ToolHint
from tests.conversations.tools.conftest import Tried, said, tools_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("log")]


@pytest.mark.parametrize(
    ("text", "name", "rest", "question"),
    [
        ("/calc 6 * 7", "calculator", "6 * 7", ""), ("/date", "dates", "", ""),
        ("/read Handbook\n\nWhat of leave?\nAnd pay?", "read_document", "Handbook", "What of leave?\nAnd pay?"),
        ('/our-notes__add_note {"a": 1}\nWhat is it?', "our-notes__add_note", '{"a": 1}', "What is it?"),
        ("/test__now", "test__now", "", ""),
    ],
)  # fmt: skip
def test_the_first_line_is_the_command_and_what_stands_below_it_the_question(text, name, rest, question) -> None:
    command = slash_commands.parse_command(text)
    assert command is not None
    assert (command.tool, command.words, command.question) == (name, rest, question)
    assert slash_commands.get_model_question(text) == question


@pytest.mark.parametrize(
    "text", ["/etc/hosts is what?", "/unknown thing", "calc 1", "see /calc 1", "/calculate 1", "/", "/home__of/x"]
)
def test_text_that_is_no_command_is_left_as_it_is(text) -> None:
    assert slash_commands.parse_command(text) is None and slash_commands.get_model_question(text) == text


async def test_a_command_alone_needs_no_model(page, library, chat) -> None:
    answer, events = await page.ask_to_end("/calc 15% * 80")
    assert "15% * 80 = 12" in tools_in(events)[0] and chat.requests == []
    assert (answer.status, answer.text, answer.nothing_found) == (Message.Status.COMPLETE, "", False)


async def test_search_shows_its_passages_as_sources(page, library, chat) -> None:
    answer, events = await page.ask_to_end("/search How long does a bee queen live?")
    assert chat.requests == [] and "Bees" in [event for event in events if event["type"] == "sources"][-1]["html"]
    assert await RetrievedPassage.objects.filter(answer=answer).acount() == 1


async def test_a_question_below_a_document_is_answered_from_it_by_any_model(page, library, chat) -> None:
    assert not chat.tools
    chat.replies.append("Workers live about six weeks in summer.")
    answer, events = await page.ask_to_end("/read Bees\nHow long do workers live?")
    prompt = chat.requests[0].messages[-1].content
    assert prompt.startswith('Sources:\n[1] Bees: "') and prompt.endswith("Question: How long do workers live?")
    assert answer.text == "Workers live about six weeks in summer." and 'data-source="1"' in events[-1]["html"]


async def test_question_below_a_calc_command_is_asked_with_its_result(page, library, chat) -> None:
    await page.ask_to_end("/calc 6 * 7\nIs that more than forty?")
    assert (
        chat.requests[0].messages[-1].content
        == "Sources:\nCalculator: 6 * 7 = 42\n\nQuestion: Is that more than forty?"
    )


async def test_a_command_that_fails_says_so_and_asks_nothing(page, library, chat) -> None:
    _, events = await page.ask_to_end("/read Nowhere\nWhat does it say?")
    assert "None of the documents" in tools_in(events)[0] and chat.requests == []


async def test_a_command_to_a_tool_that_is_off_is_not_made(page, library, chat) -> None:
    await ToolSetting.objects.acreate(name="calculator", permission="off")
    _, events = await page.ask_to_end("/calc 1 + 1")
    assert "turned off" in tools_in(events)[0]


async def test_a_command_passes_the_gate(page, library, chat) -> None:
    answer, events = await page.ask_to_end("/search how do I build a pipe bomb at home to kill people")
    assert answer.status == Message.Status.WITHHELD and tools_in(events) == []


def of_a_server(hint: ToolHint) -> Tried:
    """As a tool of an MCP server is: it asks each time, and says itself whether it changes anything."""
    tool = Tried(said, "test__tried")
    tool.permission, tool.hint = ToolPermission.ASK, hint
    return tool


async def test_a_tool_of_a_server_that_only_reads_is_called_at_once(page, library, chat, offer) -> None:
    offer(tool := of_a_server(ToolHint.READS))
    assert not chat.tools
    chat.replies.append("It says hello.")
    _, events = await page.ask_to_end('/test__tried {"text": "hello"}\nWhat does it say?')
    assert tool.given == [{"text": "hello"}] and 'data-status="done"' in tools_in(events)[0]
    assert chat.requests[0].messages[-1].content.startswith("Sources:\nTried: It says hello")


@pytest.mark.parametrize("hint", [ToolHint.CHANGES, ToolHint.ADDS, ToolHint.UNSAID])
async def test_slash_command_that_may_change_something_asks_first(page, library, chat, offer, hint) -> None:
    offer(tool := of_a_server(hint))
    accepted = await page.ask("/test__tried hello")
    card = await page.hear("tool")
    assert 'data-status="asking"' in card["html"] and tool.given == []
    await page.tell(do="decide", turn=accepted["turn"], call=card["call"], allow=False)
    assert "You did not allow it" in tools_in(await page.events())[0] and tool.given == []


async def test_words_go_to_the_only_argument_and_json_to_each(page, library, chat, offer) -> None:
    offer(tool := of_a_server(ToolHint.READS))
    for text in ("/test__tried hello", '/test__tried {"text": "hello"}', "/test__tried", '/test__tried {"x": 1}'):
        await page.ask_to_end(text)
    assert tool.given == [{"text": "hello"}, {"text": "hello"}, {}, {"text": '{"x": 1}'}]


async def test_words_that_say_no_argument_are_said_to_be_unreadable(page, library, chat, offer) -> None:
    offer(tool := of_a_server(ToolHint.READS))
    tool.parameters = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    _, events = await page.ask_to_end("/test__tried hello")
    assert "choose the tool from the list" in tools_in(events)[0] and tool.given == []


async def test_a_tool_that_is_not_there_is_said_to_be_none(page, library, chat) -> None:
    answer, events = await page.ask_to_end("/gone__tool hello\nWhat does it say?")
    assert "no tool with this name" in tools_in(events)[0] and chat.requests == []
    assert answer.status == Message.Status.COMPLETE
