"""A weak model's user gets what stands in the document: an outline, lists, each line cited and quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.utils import timezone

from apps.conversations.history import transcript
from apps.conversations.models import Citation, Message, ModelProfile, Source
from apps.conversations.turns import ephemeral
from apps.documents.models import Document, Page
from apps.lib.concurrency.threads import in_db
from tests.factories import Section, get_page, make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)

CRANE = [
    Section(
        "Operation\nThe crane lifts at most 41 tons at a radius of three metres. Operators wear a helmet at all times.",
        "Operation",
    ),
    Section(
        "Safety rules\nBefore each shift the operator checks three things:\n- the brake of the main drum\n"
        "- the red emergency button\n- the limit switch of the hook",
        "Safety rules",
    ),
    Section(
        "Maintenance\nThe oil of the gear box is changed every 500 hours. A mechanic greases the rope once a month.",
        "Maintenance",
    ),
    Section(
        "Error codes\nCode: E7; Meaning: the hook is overloaded\nCode: E9; Meaning: the brake is hot", "Error codes"
    ),
]


HEADINGS = ["- Operation", "- Safety rules", "- Maintenance", "- Error codes"]


@pytest.fixture
def crane(library: Any) -> Document:
    return make_document(library, "Crane X200", CRANE)


def cited_words(row: Message) -> Iterator[tuple[str, str]]:
    """Yield what the answer says in each cited sentence, and what stands at the cited place."""
    for cite in Citation.objects.filter(answer=row).select_related("source"):
        assert cite.source is not None
        text = Page.objects.get(document=cite.source.document, number=cite.source.page_number).text
        yield row.text[cite.start : cite.end], " ".join(text[cite.source_start : cite.source_end].split())


async def test_summary_by_a_weak_model_is_refused_with_the_headings_each_with_its_place(page, crane, chat) -> None:
    row, events = await page.ask_to_end("Summarise the Crane X200")
    assert chat.requests == [] and row.model == "" and row.status == "complete"
    assert row.text.startswith("A summary needs a capable model, and none is available here. Quoted word for word")
    assert [line for line in row.text.splitlines() if line.startswith("- ")] == HEADINGS
    states = [event["state"] for event in events if event["type"] == "cited"]
    assert states.count("quoted") == 4 and "unverified" not in states and not events[-1]["mostly_unsupported"]
    pairs = await in_db(lambda: list(cited_words(row)))
    assert len(pairs) == 4 and all(passage in words for words, passage in pairs)


@pytest.mark.parametrize(
    ("asked", "reason"), [("Summarise this", "A summary needs a capable model"), ("Outline of the notes", "“Notes”")]
)
async def test_a_document_without_headings_has_neither_summary_nor_outline(open_page, bob, chat, asked, reason) -> None:
    await in_db(make_document, await in_db(make_collection, bob), "Notes", ["A red crane stands at the quay."])
    row, _ = await (await open_page(bob)).ask_to_end(asked)
    assert row.text.startswith(reason) and "“Notes” has no headings for an outline." in row.text
    assert chat.requests == [] and row.status == "complete"


async def test_the_same_citations_stand_after_a_reload_in_exports_shares_and_for_programs(
    page, alice, crane, chat
) -> None:
    row, events = await page.ask_to_end("Summarise the Crane X200")
    closed = events[-1]["html"]
    assert closed.count('data-state="quoted"') == 4
    assert (await in_db(transcript.load_turn, alice, row))["answer"]["html"] == closed
    written = await in_db(get_page, alice, f"/c/{row.conversation_id}/export.md")
    assert len(re.findall(r"^- .* \[\d\]$", written, re.MULTILINE)) == 4, written
    kept = orjson.loads(await in_db(get_page, alice, f"/c/{row.conversation_id}/export.json"))["messages"][1]
    assert [item["state"] for item in kept["sentences"]] == ["quoted"] * 4
    assert kept["written_by"] == "no model" and "digital_source_type" not in kept
    for path in ("export.md", "print/"):
        page_text = await in_db(get_page, alice, f"/c/{row.conversation_id}/{path}")
        assert "Answer without a language model" in page_text, path
    turn = await ephemeral.prepare_ephemeral_turn(alice, "Summarise the Crane X200", [], ())
    assert "".join([piece async for piece in ephemeral.stream_text(turn)]).strip() == row.text.strip()
    assert [(cite.start, cite.quoted) for cite in turn.citations] == [
        (start, True)
        async for start in Citation.objects.filter(answer=row).order_by("start").values_list("start", flat=True)
    ]


async def test_a_temporary_chat_quotes_an_outline_too_and_keeps_nothing(page, crane, chat) -> None:
    await page.ask("Summarise the Crane X200", temporary=True)
    events = await page.events()
    assert events[-1]["html"].count('data-state="quoted"') == 4
    assert not await Message.objects.aexists() and not await Source.objects.aexists()


async def test_an_outline_is_the_headings_each_with_its_place(page, crane, chat) -> None:
    row, _ = await page.ask_to_end("Outline of the crane x200")
    shown = [line for line in row.text.splitlines() if line.startswith("- ")]
    assert shown == HEADINGS
    assert len(await in_db(lambda: list(cited_words(row)))) == 4


@pytest.mark.parametrize(
    ("asked", "entries"),
    [
        ("List all error codes of the crane x200",
         ["- Code: E7; Meaning: the hook is overloaded", "- Code: E9; Meaning: the brake is hot"]),
        ("List all safety rules of the crane",
         ["- the brake of the main drum", "- the red emergency button", "- the limit switch of the hook"]),
    ],
)  # fmt: skip
async def test_a_list_is_taken_from_rows_and_items_under_a_name_of_what_is_asked(
    page, crane, chat, asked, entries
) -> None:
    row, _ = await page.ask_to_end(asked)
    assert [line for line in row.text.splitlines() if line.startswith("- ")] == entries
    assert chat.requests == [] and f"{len(entries)} entries from its lists, tables and headings" in row.text
    assert len(await in_db(lambda: list(cited_words(row)))) == len(entries)


async def test_a_list_is_looked_for_in_what_a_search_finds_where_no_document_is_named(page, crane, chat) -> None:
    row, _ = await page.ask_to_end("List all error codes")
    assert "Quoted word for word from “Crane X200”" in row.text and "E9" in row.text


async def test_listed_things_are_not_taken_for_the_name_of_a_document(page, library, crane, chat) -> None:
    await in_db(make_document, library, "Corders", ["A corder makes cords."])
    for asked in ("List all error codes", "List all codes"):
        row, _ = await page.ask_to_end(asked)
        assert row.text.count("- Code: E") == 2, asked


async def test_the_document_that_is_spelt_so_is_meant_before_one_that_is_spelt_alike(
    page, library, crane, chat
) -> None:
    await in_db(make_document, library, "Crate X200", ["A crate holds twelve bottles of water. It is made of wood."])
    row, _ = await page.ask_to_end("Summarise the Crane X200")
    assert "Quoted word for word from “Crane X200”" in row.text


async def test_a_list_that_no_document_has_is_a_question(page, crane, chat) -> None:
    row, events = await page.ask_to_end("List all earthquakes")
    assert "Its headings" not in row.text and "has no headings" not in row.text
    assert "search" in [event["name"] for event in events if event["type"] == "step"]


async def test_the_only_document_is_meant_where_none_is_named(open_page, bob, chat) -> None:
    await in_db(make_document, await in_db(make_collection, bob), "Crane X200", CRANE)
    page = await open_page(bob)
    row, _ = await page.ask_to_end("What is this document about?")
    assert "Quoted word for word from “Crane X200”" in row.text


async def test_a_misspelt_name_and_a_file_name_mean_the_document(page, crane, chat) -> None:
    for asked in (
        "Summarise the crame x200",
        "summarize Crane-X200.md",
        "Fasse Crane X200 zusammen",
        "Resume Crane X200",
    ):
        row, _ = await page.ask_to_end(asked)
        assert "word for word from “Crane X200”" in row.text, asked


async def test_a_file_name_means_the_document_that_has_a_title_of_its_own(page, library, crane, chat) -> None:
    other = await in_db(make_document, library, "Fitting mixed models", ["Models are fitted here. It takes a while."])
    await in_db(lambda: Document.objects.filter(pk=crane.pk).update(name="lmer.pdf"))
    await in_db(lambda: Document.objects.filter(pk=other.pk).update(name="models.pdf"))
    for asked in ("Summarise lmer.pdf", "Summarise lmer", "Outline lmer.pdf"):
        row, _ = await page.ask_to_end(asked)
        assert "word for word from “Crane X200”" in row.text, asked


async def test_a_title_of_words_that_no_request_has_is_recognised_where_it_is_named_in_full(
    page, crane, library, chat
) -> None:
    await in_db(make_document, library, "Quorum Sluice Annals", CRANE)
    row, _ = await page.ask_to_end("Outline Quorum Sluice Annals")
    assert "“Quorum Sluice Annals”" in row.text and "word for word" in row.text
    row, _ = await page.ask_to_end("Describe Quorum Sluice")
    assert "word for word" not in row.text, "a part of a title may mean something else"


async def test_the_document_that_the_chat_is_about_is_meant(page, crane, chat) -> None:
    first, _ = await page.ask_to_end("Outline of the crane x200")
    row, _ = await page.ask_to_end("Now summarise it", conversation=str(first.conversation_id))
    assert "Quoted word for word from “Crane X200”" in row.text


async def test_ambiguous_document_request_asks_and_takes_a_name(page, library, crane, chat) -> None:
    await Document.objects.aupdate(created=timezone.now() - timezone.timedelta(days=1))
    row, _ = await page.ask_to_end("Summarise this document")
    assert "Which document do you mean?" in row.text and chat.requests == []
    assert row.text.count("\n- ") == 3 and "Lighthouses" in row.text and "Crane X200" in row.text
    row, _ = await page.ask_to_end("crane x200", conversation=str(row.conversation_id))
    assert "Quoted word for word from “Crane X200”" in row.text


@pytest.mark.parametrize("asked", ["Summarise this document", "Summarise Crane X200"])
async def test_a_document_that_was_just_added_is_waited_for_and_never_taken_for_another(
    page, alice, library, crane, chat, monkeypatch, asked
) -> None:
    monkeypatch.setattr("apps.conversations.turns.retrieval.MAX_FILE_WAIT_S", 0.1)
    await Document.objects.aupdate(created=timezone.now() - timezone.timedelta(days=1))
    new = {"created": timezone.now(), "uploaded_by": alice}
    await Document.objects.filter(pk=crane.pk).aupdate(status=Document.Status.WORKING, **new)
    row, _ = await page.ask_to_end(asked)
    assert row.text.strip() == "“Crane X200” is still being read. Ask again when it is ready."
    await Document.objects.filter(pk=crane.pk).aupdate(status=Document.Status.READY)
    row, _ = await page.ask_to_end(asked)
    assert "Quoted word for word from “Crane X200”" in row.text


async def test_a_document_that_was_added_since_the_last_exchange_is_meant(page, alice, library, crane, chat) -> None:
    await Document.objects.aupdate(created=timezone.now() - timezone.timedelta(days=1))
    first, _ = await page.ask_to_end("Outline of the crane x200")
    wasps = await in_db(make_document, library, "Wasps", ["Wasps build nests of paper. They sting more than once."])
    await Document.objects.filter(pk=wasps.pk).aupdate(uploaded_by=alice)
    row, _ = await page.ask_to_end("Summarise this", conversation=str(first.conversation_id))
    assert "“Wasps” has no headings" in row.text


async def test_five_candidates_are_named_and_the_others_counted(page, library, chat) -> None:
    for number in range(7):
        await in_db(make_document, library, f"Note {number}", ["A note."])
    await Document.objects.aupdate(created=timezone.now() - timezone.timedelta(days=1))
    row, _ = await page.ask_to_end("Summarise this document")
    assert row.text.count("\n- ") == 6 and "and 4 more" in row.text


async def test_documents_of_others_withheld_ones_and_those_out_of_scope_are_neither_read_nor_named(
    open_page, alice, bob, library, crane, chat
) -> None:
    page = await open_page(bob)
    await in_db(
        make_document,
        await in_db(make_collection, bob),
        "Wasps",
        ["Wasps build nests of paper. They sting more than once."],
    )
    row, _ = await page.ask_to_end("Summarise the Crane X200")
    assert "Its headings" not in row.text and "Crane X200” has no" not in row.text and "helmet" not in row.text
    row, _ = await page.ask_to_end("Summarise this document")
    assert "“Wasps” has no headings" in row.text

    page = await open_page(alice)
    await Document.objects.filter(pk=crane.pk).aupdate(withheld="A reviewer took it out.")
    row, _ = await page.ask_to_end("Summarise the Crane X200")
    assert "Its headings" not in row.text and "Crane X200” has no" not in row.text and "helmet" not in row.text
    await Document.objects.filter(pk=crane.pk).aupdate(withheld="")
    other = await in_db(make_collection, alice, "Other")
    await in_db(make_document, other, "Ants", ["Ants live in large colonies. They carry leaves home."])
    row, _ = await page.ask_to_end("Summarise this", collections=[str(other.pk)])
    assert "“Ants” has no headings" in row.text
    row, _ = await page.ask_to_end("Summarise the Crane X200", collections=[str(other.pk)])
    assert "Its headings" not in row.text and "has no headings" not in row.text


async def test_a_request_about_a_subject_is_searched_like_a_question(page, crane, chat) -> None:
    _, events = await page.ask_to_end("Summarise the earthquakes")
    assert "search" in [event["name"] for event in events if event["type"] == "step"]


async def test_a_model_that_reads_well_is_asked(page, crane, chat) -> None:
    await ModelProfile.objects.acreate(name=chat.name, reading_right=8, reading_asked=8)
    await page.ask_to_end("Summarise the Crane X200")
    assert chat.requests


async def test_signs_of_a_document_are_shown_as_they_stand_there(open_page, bob, chat) -> None:
    heading = "The *args of <b>main</b> take $5 and __init__ with `code`"
    section = Section(f"{heading}\nNothing else is said here.", heading)
    await in_db(make_document, await in_db(make_collection, bob), "Signs", [section])
    page = await open_page(bob)
    _, events = await page.ask_to_end("Summarise this")
    shown = re.sub(r"</?span[^>]*>", "", events[-1]["html"])
    assert "*args of &lt;b&gt;main&lt;/b&gt; take $5 and __init__ with `code`" in shown
