"""A follow-up leans on what earlier turns were given: its sentences are credited to it, under the number it had."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.conversations.core.numbered_sources import PromptedSource
from apps.conversations.evidence import source_numbering, source_panel
from apps.conversations.history import transcript
from apps.conversations.models import Citation, Conversation, Message, RetrievedPassage
from apps.conversations.transfer import export
from apps.documents.models import Document
from apps.grounding.citer import SourceSpan
from apps.lib.concurrency.threads import in_db
from tests.conversations.conftest import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("any_sentence_answers")]

LIGHTHOUSE = "How high was the lighthouse of Alexandria?"
BEES = "How long can a queen bee live?"
FOLLOW_UP = "The queen can live for five years. The lighthouse of Alexandria stood about 100 metres high."


async def follow_up(page: Page, chat) -> tuple[str, list[dict[str, object]]]:
    """The second turn's id and events; the first one was given the lighthouse, this one the bees."""
    chat.replies += ["It stood about 100 metres high.", FOLLOW_UP]
    first = await page.get_answer(LIGHTHOUSE)
    second = await page.ask(BEES, conversation=str(first.conversation_id))
    return second["turn"], await page.events()


async def test_a_sentence_that_an_earlier_passage_supports_has_its_pill(open_page, alice, library, chat) -> None:
    turn, events = await follow_up(await open_page(alice), chat)
    assert await RetrievedPassage.objects.filter(answer=turn).acount() == 1, "the lighthouse was not found again"
    cited = [event for event in events if event["type"] == "cited"]
    assert ['data-source="1"' in cited[0]["html"], 'data-source="2"' in cited[1]["html"]] == [True, True]
    cites = Citation.objects.filter(answer=turn).order_by("sentence").values_list("source__number", flat=True)
    assert [number async for number in cites] == [2, 1]
    used, _, also = next(e["html"] for e in reversed(events) if e["type"] == "sources").partition("Also retrieved")
    assert "Bees" in used and "Lighthouses" in used and not also


async def test_a_reload_and_the_panel_show_it_as_they_show_the_answers_own(open_page, alice, library, chat) -> None:
    turn, events = await follow_up(await open_page(alice), chat)
    answer = await Message.objects.select_related("conversation", "parent").aget(pk=turn)
    shown = (await in_db(transcript.load_turn, alice, answer))["answer"]
    assert shown["html"] == events[-1]["html"]
    assert shown["sources_html"].index("Bees") < shown["sources_html"].index("Lighthouses")
    opened = await in_db(source_panel.load_source, alice, answer, 1, None, None)
    assert opened.text.endswith("It stood about 100 metres high.") and not opened.unavailable
    assert opened.number == 2, "numbers begin at 1 in each answer"
    assert await in_db(source_panel.get_neighbour_urls, answer, 2) == ("", f"/answers/{turn}/sources/1/")
    assert await in_db(source_panel.get_neighbour_urls, answer, 1) == (f"/answers/{turn}/sources/2/", "")


async def test_exports_and_copies_number_sources_as_the_page_does(open_page, alice, library, chat) -> None:
    turn, _ = await follow_up(await open_page(alice), chat)
    answer = await Message.objects.select_related("conversation", "parent").aget(pk=turn)
    text = await in_db(export.render_answer_markdown, alice, answer)
    assert "The queen can live for five years. [1]" in text and "100 metres high. [2]" in text
    assert text.index("- [1] Bees") < text.index("- [2] Lighthouses")
    found = await in_db(export.export_conversation, alice, answer.conversation)
    (own,) = [row for row in found["messages"] if row["id"] == turn]
    assert [(row["number"], row["shown"]) for row in own["sources"] if row["used"]] == [(2, 1), (1, 2)]


async def test_earlier_source_no_longer_readable_supports_nothing_and_greys(open_page, alice, library, chat) -> None:
    turn, _ = await follow_up(await open_page(alice), chat)
    answer = await Message.objects.select_related("conversation", "parent").aget(pk=turn)
    await Document.objects.filter(title="Lighthouses").adelete()
    shown = (await in_db(transcript.load_turn, alice, answer))["answer"]
    assert '<span class="pill gone"' in shown["html"]
    page = await open_page(alice)
    chat.replies.append(FOLLOW_UP)
    third = await page.get_answer(BEES, conversation=str(answer.conversation_id))
    cites = Citation.objects.filter(answer=third).order_by("sentence").values_list("source__number", flat=True)
    assert [number async for number in cites] == [2, None]


async def test_sources_of_another_branch_support_nothing(page, library, chat) -> None:
    chat.replies += ["It stood about 100 metres high.", FOLLOW_UP]
    first = await page.get_answer(LIGHTHOUSE)
    other = await page.get_answer(BEES, conversation=str(first.conversation_id), reworded_question=str(first.parent_id))
    cites = Citation.objects.filter(answer=other).order_by("sentence").values_list("source__number", flat=True)
    assert [number async for number in cites] == [2, None]
    assert await Conversation.objects.acount() == 1


def test_sentences_are_read_back_word_for_word_in_runs(monkeypatch) -> None:
    key = uuid4()
    page = "One stands here.  Two\nfollows it. Three is left out. Four stands alone."
    monkeypatch.setattr(source_numbering.search, "read_page_texts", lambda user, wanted: {(key, 3): page})
    four = page.index("Four")
    item = PromptedSource(7, "T", 3, True, ((four, len(page)), (0, 16), (18, 33)), "", key, "H")
    assert (
        source_numbering.load_source_spans(None, [item])
        == [  # type: ignore[arg-type]
            SourceSpan(7, "T", "H", 0, page[:33]),
            SourceSpan(7, "T", "H", four, page[four:]),
        ]
    )
    cut = PromptedSource(7, "T", 3, True, ((0, 999),), "", key, "H")
    assert source_numbering.load_source_spans(None, [cut]) == []  # type: ignore[arg-type]
