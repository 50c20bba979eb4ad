"""Messages that are no question about documents are recognised and answered at once; questions never are."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.utils import timezone, translation

from apps.conversations.models import Conversation, Message
from apps.conversations.models.tool import ToolSetting
from apps.conversations.tools.builtin.calculator import calculate
from apps.conversations.turns import ephemeral, runner
from apps.conversations.turns.small_talk.arithmetic import read_sum
from apps.conversations.turns.small_talk.date_questions import read_date_question
from apps.conversations.turns.small_talk.recognition import SmallTalk, drop_small_talk, recognise_small_talk
from apps.documents.models import Document
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import make_client

MESSAGES = json.loads(Path(__file__).with_name("small_talk.json").read_text())
SAID = {"greeting", "thanks", "farewell"}  # kinds that are answered alike enough
QUESTION = "How high was the lighthouse of Alexandria?"


def right(kind: str, text: str) -> bool:
    recognised = recognise_small_talk(text)
    return recognised is not None and (recognised.kind == kind or {recognised.kind, kind} <= SAID)


def test_nine_of_ten_unseen_messages_are_recognised_in_every_language() -> None:
    missed = [text for kind, texts in MESSAGES["unseen"].items() for text in texts if not right(kind, text)]
    count = sum(map(len, MESSAGES["unseen"].values()))
    assert len(missed) <= 0.1 * count, missed


@pytest.mark.parametrize("text", MESSAGES["questions"])
def test_a_question_that_sounds_like_small_talk_is_a_question(text: str) -> None:
    assert recognise_small_talk(text) is None


@pytest.mark.parametrize("text", ["", "  ", "/calc 2 * 3", "hello " * 60])
def test_commands_empty_and_long_messages_are_no_small_talk(text: str) -> None:
    assert recognise_small_talk(text) is None


def open_questions(data: Path) -> Iterator[str]:
    for name in ("xquad", "clapnq", "cranfield"):
        for line in (data / name / "queries.jsonl").read_text().splitlines():
            yield json.loads(line)["text"]
    files = [gzip.decompress((data / "xquad" / f"xquad.{language}.json.gz").read_bytes()) for language in ("de", "es")]
    files.append((data / "covidqa" / "200421_covidQA.json").read_bytes())
    for raw in files:
        for article in json.loads(raw)["data"]:
            for paragraph in article["paragraphs"]:
                yield from (item["question"] for item in paragraph["qas"])


def test_open_questions_are_taken_for_small_talk_at_most_once_in_a_thousand(shared: Path) -> None:
    texts = list(open_questions(shared / "data"))
    taken = [text for text in texts if recognise_small_talk(text) is not None]
    assert len(texts) > 5000
    assert len(taken) <= len(texts) / 1000, taken


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("What is 17 * 23?", "391"), ("12.5 % of 80", "10"), ("What is 1,200 / 4", "300"), ("2^10", "1024"),
        ("Subtract 5 from 12", "7"), ("What is the square root of 1764?", "42"), ("half of 90", "45"),
        ("12 squared", "144"), ("(3 + 4) x 2 =", "14"), ("do the maths: 3 + 4", "7"), ("what is -5 + 3", "-2"),
    ],
)  # fmt: skip
def test_a_sum_in_words_is_what_the_calculator_reads(text: str, value: str) -> None:
    with translation.override("en"):
        assert calculate(read_sum(text)) == value


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("de", "Wie viel sind 12,5 % von 80?", "10"), ("de", "Was ist 1.250 mal 2?", "2500"),
        ("de", "Was ist 45 geteilt durch 9?", "5"), ("de", "Ziehe 5 von 12 ab", "7"),
        ("es", "¿Cuánto es el 21 % de 300?", "63"), ("es", "2,5 por 4", "10"), ("es", "raíz cuadrada de 49", "7"),
    ],
)  # fmt: skip
def test_numbers_of_a_sum_are_read_as_the_language_writes_them(language: str, text: str, value: str) -> None:
    with translation.override(language):
        assert calculate(read_sum(text)) == value


@pytest.mark.parametrize("text", ["What is 17?", "rules 3 and 4", "section 17.23", "5 of 7 and 3 + 4", "a + b"])
def test_text_that_is_no_whole_sum_is_not_read_as_a_sum(text: str) -> None:
    assert read_sum(text) == ""


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("What day is it?", "today"), ("What time is it?", "now"), ("What date is tomorrow?", "today + 1 day"),
        ("¿Qué fecha fue la semana pasada?", "today - 1 week"),
        ("What date is the day after tomorrow?", "today + 2 days"), ("What date is in 3 weeks?", "today + 3 weeks"),
        ("What day was it three days ago?", "today - 3 days"), ("What date is next week?", "today + 1 week"),
        ("Welches Datum war vorgestern?", "today - 2 days"), ("Welcher Tag ist in vierzehn Tagen?", ""),
        ("Welches Datum war vor 2 Monaten?", "today - 2 months"), ("Wie spät ist es?", "now"),
        ("What date was fourteen days ago?", ""), ("In welcher Woche sind wir?", "today"),
        ("¿Qué día de la semana es?", "today"), ("What day of the week is it?", "today"),
        ("¿Qué fecha fue hace dos semanas?", "today - 2 weeks"), ("¿Qué día es pasado mañana?", "today + 2 days"),
    ],
)  # fmt: skip
def test_a_day_in_words_is_what_the_tool_reads(text: str, expression: str) -> None:
    assert read_date_question(text) == expression


@pytest.mark.parametrize("today", [date(2026, 11, 29) + timedelta(days=days) for days in range(7)])
@pytest.mark.parametrize(
    "words", ["next Friday", "nächsten Freitag", "el próximo viernes", "last Friday", "viernes pasado"]
)
def test_a_weekday_is_the_next_or_the_last_one(monkeypatch: pytest.MonkeyPatch, today: date, words: str) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda: today)
    sign, count = read_date_question(f"What date is {words}?").split()[1:3]
    there = today + timedelta(days=int(f"{sign}{count}"))
    assert there.weekday() == 4 and 1 <= int(count) <= 7
    assert sign == ("-" if "last" in words or "pasado" in words else "+")


def test_small_talk_is_no_question_that_a_later_one_leans_on() -> None:
    assert drop_small_talk(["Hello!", QUESTION, "thanks"]) == [QUESTION]


@pytest.mark.parametrize("kind", ["abilities", "sum"])
def test_a_recognised_message_says_which_tool_answers_it(kind: str) -> None:
    wanted = {"abilities": SmallTalk("abilities"), "sum": SmallTalk("sum", "calculator", "17 * 23")}
    assert recognise_small_talk({"abilities": "What can you do?", "sum": "What is 17 * 23?"}[kind]) == wanted[kind]


pytest_db = pytest.mark.django_db(transaction=True)


def page_of(user: User, answer: Message) -> str:
    client = make_client(user)
    return client.get(f"/c/{answer.conversation_id}/").content.decode()


async def said(page, text: str, **also) -> tuple[dict, list[dict]]:
    accepted = await page.ask(text, **also)
    return accepted, await page.events()


@pytest_db
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hi there!", "Ask me something about your documents"), ("Thanks a lot!", "You are welcome"),
        ("Bye!", "Goodbye"),
        ("Who are you?", "I am Openbook, a program and not a person"), ("¡Muchas gracias!", "You are welcome"),
    ],
)  # fmt: skip
async def test_a_greeting_is_answered_in_fixed_words_without_search_or_model(
    page, alice, library, chat, text, words
) -> None:
    accepted, events = await said(page, text)
    assert chat.requests == []
    assert [event["name"] for event in events if event["type"] == "step"] == ["small_talk"]
    assert events[-1]["status"] == "complete" and words in events[-1]["html"] and not events[-1]["mostly_unsupported"]
    assert not {"nothing", "sources", "cited"} & {event["type"] for event in events}
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert words in answer.text and not answer.nothing_found and answer.model == ""
    assert not answer.grounded and not answer.unchecked, "its step says enough"
    assert "data-ungrounded hidden" in await in_db(page_of, alice, answer)


@pytest_db
async def test_a_greeting_is_not_marked_as_written_without_documents_either(page, alice, library) -> None:
    accepted, _ = await said(page, "Hi there!", without_documents=True)
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert not answer.grounded and "data-ungrounded hidden" in await in_db(page_of, alice, answer)


@pytest_db
async def test_a_sum_is_answered_by_the_calculator_and_shown_so(page, library, chat) -> None:
    accepted, events = await said(page, "What is 17 * 23?")
    card = [event["html"] for event in events if event["type"] == "tool"][-1]
    assert "Calculator" in card and "17 * 23 = 391" in card
    assert chat.requests == []
    answer = await Message.objects.aget(pk=accepted["turn"])
    assert [call["status"] for call in answer.tools] == ["done"]


@pytest_db
async def test_a_date_is_answered_by_the_tool_for_dates(page, library, chat) -> None:
    _, events = await said(page, "What day is it?")
    card = [event["html"] for event in events if event["type"] == "tool"][-1]
    assert timezone.localdate().isoformat() in card and chat.requests == []


@pytest_db
async def test_sum_is_a_question_where_the_calculator_is_switched_off(page, library, chat) -> None:
    await ToolSetting.objects.acreate(name="calculator", permission="off")
    _, events = await said(page, "What is 17 * 23?")
    assert "search" in [event["name"] for event in events if event["type"] == "step"]
    assert not [event for event in events if event["type"] == "tool"]


@pytest_db
async def test_abilities_are_told_from_what_is_set_up(page, bob, library, chat, settings) -> None:
    settings.ENGINES = {**settings.ENGINES, "image": {**settings.ENGINES["image"], "OPTIONS": {}}}
    _, events = await said(page, "What can you do?")
    html = events[-1]["html"]
    assert "2 documents in 1 collection" in html and "/calc" in html and "/picture" not in html
    await Document.objects.all().adelete()
    _, events = await said(page, "What can you do for me?")
    assert "no documents to search yet" in events[-1]["html"]
    settings.ENGINES = {**settings.ENGINES, "image": {**settings.ENGINES["image"], "OPTIONS": {"model": "any"}}}
    _, events = await said(page, "What can you do?")
    assert "/picture" in events[-1]["html"]


@pytest_db
async def test_a_greeting_before_a_question_does_not_hide_the_question(page, library, chat) -> None:
    _, events = await said(page, f"Hi! {QUESTION}")
    steps = [event["name"] for event in events if event["type"] == "step"]
    assert "search" in steps and "small_talk" not in steps
    assert "Lighthouses" in next(event for event in events if event["type"] == "sources")["html"]


@pytest_db
async def test_an_answer_asked_for_again_is_a_question(page, library, chat) -> None:
    accepted, _ = await said(page, "Hello!")
    await page.tell(do="retry", turn=accepted["turn"], client_id="again")
    await page.hear("accepted")
    steps = [event["name"] for event in await page.events() if event["type"] == "step"]
    assert "search" in steps and "small_talk" not in steps


@pytest_db
async def test_small_talk_between_questions_does_not_break_a_follow_up(page, library, chat) -> None:
    first, _ = await said(page, QUESTION)
    await said(page, "Thanks!", conversation=first["conversation"])
    _, events = await said(page, "And what damaged it?", conversation=first["conversation"])
    assert "earthquakes" in next(event for event in events if event["type"] == "sources")["html"]


@pytest_db
async def test_the_first_real_question_names_the_conversation(page, library, chat) -> None:
    first, _ = await said(page, "Hello!")
    conversation = await Conversation.objects.aget(pk=first["conversation"])
    assert conversation.title == "" and str(conversation) == "New conversation"
    await said(page, QUESTION, conversation=first["conversation"])
    await said(page, "How long can a queen bee live?", conversation=first["conversation"])
    await runner.wait_until_idle()
    assert (await Conversation.objects.aget(pk=first["conversation"])).title == QUESTION


@pytest_db
async def test_a_program_is_greeted_and_told_sums_too(transactional_db, alice, library, chat) -> None:
    for text, words in (("Hello!", "Ask me something"), ("What is 17 * 23?", "17 * 23 = 391")):
        turn = await ephemeral.prepare_ephemeral_turn(alice, text, [], ())
        assert words in "".join([piece async for piece in ephemeral.stream_text(turn)])
    assert chat.requests == []
