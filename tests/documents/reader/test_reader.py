"""The reader beyond a page's image: its words, its text, the way from passage to passage, tables and slides."""

from __future__ import annotations

import re

from django.test import Client

from apps.documents.models import Collection, Document, Page
from apps.documents.reader import passage_navigation
from apps.users.models import User
from tests.documents.reader.conftest import MARK_TAG, SECOND_PAGE, get_page_text
from tests.documents.sample_files import slides
from tests.factories import Section, ingest_file, make_document
from tests.support.pages import strip_layout


def test_the_words_of_a_page_lie_over_its_image(alice_client: Client, document: Document) -> None:
    page = get_page_text(alice_client.get(f"/documents/{document.pk}/?page=2"))
    lines = re.findall(r"<text[^>]*>(.*?)</text>", page)
    assert [re.sub(r"<[^>]+>", "", line) for line in lines] == [SECOND_PAGE]
    assert "style=" not in page


def test_a_page_can_be_read_as_text(alice_client: Client, document: Document) -> None:
    page = get_page_text(alice_client.get(f"/documents/{document.pk}/?page=2&view=text&spans=0-10"))
    assert re.search(MARK_TAG + "The second</mark> page", page)
    assert "pages/2.png" not in page and "Show page" in page


def test_passages_are_walked_up_and_down(alice_client: Client, collection: Collection) -> None:
    row = make_document(collection, "Rules", [Section("One rule."), Section("Two rules."), Section("Three.", page=2)])
    first = strip_layout(get_page_text(alice_client.get(f"/documents/{row.pk}/?spans=0-9")))
    assert "Passage 1 of 3" in first and 'data-walk="ArrowUp"' not in first
    assert re.search(r'data-walk="ArrowDown" href="\?page=1&amp;spans=11-21"', first)
    second = strip_layout(get_page_text(alice_client.get(f"/documents/{row.pk}/?spans=11-21")))
    assert re.search(r'data-walk="ArrowUp" href="\?page=1&amp;spans=0-9"', second)
    assert re.search(r'data-walk="ArrowDown" href="\?page=2&amp;spans=0-6"', second)
    # no passage is shown: the nearest ones are named
    last = strip_layout(get_page_text(alice_client.get(f"/documents/{row.pk}/?page=2")))
    assert "3 passages" in last and re.search(r'data-walk="ArrowDown" href="\?page=2&amp;spans=0-6"', last)


def test_pages_in_small_are_those_around_the_open_one(alice_client: Client, document: Document) -> None:
    Page.objects.bulk_create(Page(document=document, number=n, width=100, height=200) for n in range(3, 201))
    Document.objects.filter(pk=document.pk).update(pages_count=200)
    page = strip_layout(get_page_text(alice_client.get(f"/documents/{document.pk}/?page=2")))
    found = [int(number) for number in re.findall(r'id="small-(\d+)"', page)]
    assert found == list(range(1, 41))
    assert 'width="100" height="200" loading="lazy"' in page
    document.refresh_from_db()
    assert [item.number for item in passage_navigation.list_thumbnails(document, 199)] == list(range(161, 201))
    assert [item.number for item in passage_navigation.list_thumbnails(document, 100)] == list(range(80, 120))


def test_a_table_marks_the_rows_that_are_cited(alice_client: Client, alice: User, collection: Collection) -> None:
    csv = "City,Limit\nParis,150\nRome,130\nOslo,90\n"
    row = ingest_file(collection, "limits.csv", csv)
    text = Page.objects.get(document=row).text
    at = text.index("City: Rome")
    page = strip_layout(get_page_text(alice_client.get(f"/documents/{row.pk}/?spans={at}-{text.index(chr(10), at)}")))
    assert '<th scope="col">City</th><th scope="col">Limit</th>' in page
    (cited,) = re.findall(r'<tr class="cited">(.*?)</tr>', page)
    assert re.sub(r"<[^>]+>", " ", cited).split() == ["Rome", "130"]


def test_a_slide_has_its_notes_beneath_it(alice_client: Client, alice: User, collection: Collection) -> None:
    row = ingest_file(collection, "plan.pptx", slides(("Budget", "Rent", "Wages are the most.")))
    page = strip_layout(get_page_text(alice_client.get(f"/documents/{row.pk}/")))
    slide, _, notes = page.partition("speaker-notes")
    assert "<h2>Budget</h2>" in slide and "Wages are the most." not in slide
    assert "Wages are the most." in notes and notes.count("Speaker notes") == 1
