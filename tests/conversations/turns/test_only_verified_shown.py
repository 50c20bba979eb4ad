"""Where only verified sentences are shown: which are, as they come and after a reload, and what stays folded."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from apps.conversations.assistants import answer_style
from apps.conversations.history import transcript
from apps.conversations.models import Assistant, Citation, Conversation, Message, ModelProfile, ShownSentences
from apps.conversations.sharing import links
from apps.conversations.turns import recovery
from apps.grounding import quote_selection
from apps.grounding.sentence_state import SentenceReveal, SentenceState
from apps.lib.concurrency.threads import in_db
from tests.factories import get_page
from tests.support.pages import strip_layout

QUESTION = "How high was the lighthouse of Alexandria?"
SAID = "data-ungrounded><svg"
QUOTED, SUPPORTED, NOT = SentenceState.QUOTED, SentenceState.SUPPORTED, SentenceState.UNVERIFIED


def shown(*sentences: tuple[str, SentenceState | None]) -> list[str]:
    reveal = SentenceReveal()
    for number, (text, state) in enumerate(sentences):
        before = list(reveal.shown)
        assert reveal.add(number, text, state) == reveal.shown[len(before) :]
        assert reveal.shown[: len(before)] == before
    return [sentences[number][0] for number in reveal.shown]


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        ([("Moon is cheese.", NOT), ("Sun is hot.", SUPPORTED), ("It burns.", QUOTED)], ["Sun is hot.", "It burns."]),
        ([("# Top", None), ("## One", None), ("No.", NOT), ("## Two", None), ("Yes it is.", QUOTED)],
         ["# Top", "## Two", "Yes it is."]),
        ([("# One", None), ("# Two", None), ("It is.", QUOTED)], ["# Two", "It is."]),
        ([("Here is a list:", None), ("- wrong", NOT), ("- right", SUPPORTED)], ["Here is a list:", "- right"]),
        ([("Here is a list:", None), ("- wrong", NOT), ("A closing word.", SUPPORTED)], ["A closing word."]),
        ([("A list:", None), ("1. wrong", NOT), ("Another:", None), ("1. right", QUOTED)], ["Another:", "1. right"]),
        ([("Sure!", None), ("The device has three ports.", SUPPORTED)], ["The device has three ports."]),
        ([("It is:", None), ("- right", QUOTED), ("- As to: U", None), ("- so", QUOTED)],
         ["It is:", "- right", "- so"]),
        ([("Yes.", None), ("It is cheese.", NOT), ("It is hot.", SUPPORTED)], ["It is hot."]),
        ([("It is hot.", SUPPORTED), ("Let me know.", None)], ["It is hot."]),
        ([("Let me know.", None)], []),
    ],
)  # fmt: skip
def test_headings_and_lists_without_verified_sentences_are_not_shown(
    sentences: list[tuple[str, SentenceState | None]], expected: list[str]
) -> None:
    assert shown(*sentences) == expected


def test_a_setting_of_the_assistant_goes_before_that_of_the_model_and_the_reading_check() -> None:
    def resolved(assistant: str = "automatic", model: str = "automatic", right: int | None = None) -> ShownSentences:
        asked = None if right is None else 8
        profile = ModelProfile(name="tiny", shown_sentences=model, reading_right=right, reading_asked=asked)
        return answer_style.resolve_shown_sentences(Assistant(shown_sentences=assistant), profile)

    assert resolved() == resolved(right=6) == ShownSentences.VERIFIED
    assert resolved(right=8) == ShownSentences.ALL
    assert resolved(model="all") == ShownSentences.ALL
    assert resolved(assistant="verified", model="all", right=8) == ShownSentences.VERIFIED
    assert resolved(assistant="all", model="verified") == ShownSentences.ALL


MIXED = (
    "## Height\n\nIt was made of cheese.\n\n- The lighthouse stood about 100 metres high [1].\n"
    "- It was painted pink by pirates.\n"
)


def visible(html: str) -> str:
    """The words of an answer that are seen without unfolding anything."""
    without = re.sub(r"<details.*?</details>", "", html, flags=re.DOTALL)
    without = re.sub(r'<span class="sentence[^"]*" data-sentence="\d+" hidden[^>]*>.*?</span>', "", without)
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r'<span class="pills".*?</a></span>', "", without)).split())


async def answered(open_page, alice, chat, reply: str, **also: Any) -> tuple[Message, list[dict[str, Any]]]:
    chat.replies.append(reply)
    page = await open_page(alice)
    return await page.ask_to_end(QUESTION, **also)


@pytest.mark.django_db(transaction=True)
async def test_a_sentence_appears_once_it_is_verified_and_the_others_stay_folded(
    open_page, alice, library, chat
) -> None:
    row, events = await answered(open_page, alice, chat, MIXED)
    types = [event["type"] for event in events]
    assert types.index("folds") < types.index("text")
    cited = {event["sentence"]: event for event in events if event["type"] == "cited"}
    assert [cited[number]["revealed"] for number in sorted(cited)] == [[], [], [0, 2], []]
    assert [cited[number]["state"] for number in sorted(cited)][1:] == ["unverified", cited[2]["state"], "unverified"]

    closed = events[-1]
    assert (closed["mostly_unsupported"], row.shown_sentences) == (False, ShownSentences.VERIFIED)
    assert "2 sentences could not be verified" in closed["html"]
    assert "cheese" not in visible(closed["html"]) and "pink" not in visible(closed["html"])
    assert "Height" in visible(closed["html"]) and "100 metres" in visible(closed["html"])
    assert (await in_db(transcript.load_turn, alice, row))["answer"]["html"] == closed["html"]


@pytest.mark.django_db(transaction=True)
async def test_a_line_that_states_nothing_is_folded_and_counted(open_page, alice, library, chat) -> None:
    text = "- Pink!\n- The lighthouse stood about 100 metres high.\n- As to: U\n"
    _, events = await answered(open_page, alice, chat, text)
    html = events[-1]["html"]
    assert visible(html) == "The lighthouse stood about 100 metres high."
    assert "2 sentences could not be verified" in html


@pytest.mark.django_db(transaction=True)
async def test_answer_without_verified_sentences_says_so_in_one_line(open_page, alice, library, chat) -> None:
    _, events = await answered(open_page, alice, chat, "It was made of cheese.")
    assert any(event["type"] == "quotes" for event in events)
    assert visible(events[-1]["html"]) == ""
    assert "own words could not be verified" in events[-1]["html"] and "cheese" in events[-1]["html"]


@pytest.mark.django_db(transaction=True)
async def test_answer_without_quotes_or_verified_sentences_counts_as_not_found(
    open_page, alice, library, chat, monkeypatch
) -> None:
    monkeypatch.setattr(quote_selection, "select_quotes", lambda *_args, **_options: [])
    row, events = await answered(open_page, alice, chat, "It was made of cheese.")
    notices = [event["html"] for event in events if event["type"] == "nothing"]
    assert len(notices) == 1 and "I found nothing about this in your documents." in notices[0]
    assert row.nothing_found and "cheese" in events[-1]["html"], "the model's words stay, folded"
    page = await in_db(get_page, alice, f"/c/{row.conversation_id}/")
    assert "I found nothing about this in your documents." in page and "own words could not be verified" in page


@pytest.mark.django_db(transaction=True)
async def test_a_verified_sentence_is_an_answer_without_quotes_too(
    open_page, alice, library, chat, monkeypatch
) -> None:
    monkeypatch.setattr(quote_selection, "select_quotes", lambda *_args, **_options: [])
    row, events = await answered(open_page, alice, chat, MIXED)
    assert not row.nothing_found and not any(event["type"] == "nothing" for event in events)


@pytest.mark.django_db(transaction=True)
async def test_answer_of_a_model_that_reads_well_is_shown_whole_and_marked(open_page, alice, library, chat) -> None:
    await ModelProfile.objects.acreate(name=chat.name, reading_right=8, reading_asked=8)
    row, events = await answered(open_page, alice, chat, MIXED)
    assert row.shown_sentences == ShownSentences.ALL and "details" not in events[-1]["html"]
    assert "cheese" in visible(events[-1]["html"]) and 'class="sentence unverified"' in events[-1]["html"]


@pytest.mark.django_db(transaction=True)
async def test_an_answer_without_documents_is_shown_and_says_so(open_page, alice, library, chat) -> None:
    row, events = await answered(open_page, alice, chat, MIXED, without_documents=True)
    assert events[0]["grounded"] is False and not row.grounded
    assert "cheese" in visible(events[-1]["html"]) and "unverified" not in events[-1]["html"]
    assert not any(event["type"] in {"folds", "cited"} for event in events)
    for name in ("", "print/"):
        assert SAID in strip_layout(await in_db(get_page, alice, f"/c/{row.conversation_id}/{name}"))
    assert "nothing here was checked" in await in_db(get_page, alice, f"/c/{row.conversation_id}/export.md")
    kept = orjson.loads(await in_db(get_page, alice, f"/c/{row.conversation_id}/export.json"))["messages"][1]
    assert (kept["grounded"], kept["note"]) == (False, "Written without documents; nothing here was checked.")


@pytest.mark.django_db(transaction=True)
async def test_an_answer_from_documents_does_not_say_that_it_was_written_without(
    open_page, alice, library, chat
) -> None:
    row, events = await answered(open_page, alice, chat, MIXED)
    assert events[0]["grounded"] is True and row.grounded
    assert SAID not in strip_layout(await in_db(get_page, alice, f"/c/{row.conversation_id}/"))


@pytest.mark.django_db(transaction=True)
async def test_interrupted_answer_is_folded(alice) -> None:
    def kept() -> Message:
        conversation = Conversation.objects.create(owner=alice)
        asked = Message.objects.create(conversation=conversation, role="user", text="Why?", asked_by=alice)
        return Message.objects.create(
            conversation=conversation, parent=asked, role="assistant", status="writing", asked_by=alice,
            text="It was painted pink by pirates.", shown_sentences=ShownSentences.VERIFIED,
        )  # fmt: skip

    row = await in_db(kept)
    assert (await in_db(transcript.load_turn, alice, row))["answer"]["html"] == "", (
        "nothing is known of what is being written"
    )
    await Message.objects.filter(pk=row.pk).aupdate(status="interrupted")
    html = (await in_db(transcript.load_turn, alice, row))["answer"]["html"]
    assert visible(html) == "" and "pink" in html
    assert (await in_db(recovery._make_closed_event, str(row.pk), "It was painted pink by pirates.")).html == html


@pytest.mark.django_db(transaction=True)
async def test_a_link_without_sources_folds_too_and_names_none(open_page, alice, library, chat) -> None:
    row, _ = await answered(open_page, alice, chat, MIXED)
    share = await in_db(
        links.enable_link, alice, await Conversation.objects.aget(pk=row.conversation_id), None, "none", ""
    )
    html = await in_db(get_page, alice, f"/shared/{share.secret}/")
    assert "2 sentences could not be verified" in html and 'class="pill" href' not in html


@pytest.mark.django_db(transaction=True)
async def test_an_export_leaves_out_what_was_not_verified_unless_asked_for(open_page, alice, library, chat) -> None:
    row, _ = await answered(open_page, alice, chat, MIXED)
    address = f"/c/{row.conversation_id}/export.md"
    written = await in_db(get_page, alice, address)
    assert "cheese" not in written and "100 metres high. [1]" in written
    whole = await in_db(get_page, alice, f"{address}?unverified=1")
    assert "It was made of cheese. [not verified]" in whole and "100 metres high. [1]" in whole
    kept = orjson.loads(await in_db(get_page, alice, f"/c/{row.conversation_id}/export.json"))["messages"][1]
    assert kept["shows"] == "verified" and kept["sentences"][0]["state"] == "unverified"


@pytest.mark.django_db(transaction=True)
async def test_an_answer_of_before_keeps_its_pills_and_says_that_the_check_was_another(
    open_page, alice, library, chat
) -> None:
    row, _ = await answered(open_page, alice, chat, MIXED)
    await Message.objects.filter(pk=row.pk).aupdate(shown_sentences="")
    await Citation.objects.filter(answer=row).aupdate(check_version=0)
    html = await in_db(get_page, alice, f"/c/{row.conversation_id}/")
    assert "Found by an earlier check" in html and "could not be verified" not in html
    assert "by an earlier check" in await in_db(get_page, alice, f"/answers/{row.pk}/sources/1/?sentence=2&preview=1")
