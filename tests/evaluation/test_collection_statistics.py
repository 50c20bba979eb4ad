"""Statistics of a collection: unanswered questions without names, and how often documents are cited."""

from __future__ import annotations

import pytest

from apps.conversations.models import Citation, Conversation, Message, RetrievedPassage, Source
from apps.documents.models import Collection, Document, Membership, Role
from apps.evaluation.collection_statistics.statistics import count_citations, group_unanswered
from apps.users.models import User
from tests.factories import get_page, make_client, make_collection

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(alice: User, bob: User) -> Collection:
    collection = make_collection(alice, "Shelf")
    Membership.objects.create(collection=collection, user=bob, role=Role.EDITOR)
    return collection


def ask(user: User, text: str, collection: Collection | None = None, **fields: object) -> Message:
    conversation = Conversation.objects.create(owner=user, chosen_collection_count=1 if collection else 0)
    if collection:
        conversation.collections.add(collection)
    question = Message.objects.create(conversation=conversation, role="user", text=text, asked_by=user)
    values = {"role": "assistant", "asked_by": user, "nothing_found": True, **fields}
    return Message.objects.create(conversation=conversation, parent=question, **values)


def make_document(collection: Collection, name: str) -> Document:
    return Document.objects.create(collection=collection, name=name, size=1, status="ready", sha256=name)


def cite(answer: Message, document: Document) -> Source:
    return Source.objects.create(
        conversation=answer.conversation, number=1, document=document, page_number=1, spans=[[0, 1]]
    )


def test_questions_of_several_users_are_grouped_and_shown(
    alice: User, bob: User, charlie: User, shelf: Collection
) -> None:
    ask(bob, "Where may I park?", shelf)
    ask(charlie, "where may I PARK", shelf)
    ask(charlie, "How do I park there?", shelf, nothing_found=False)
    found = group_unanswered(alice, shelf)
    assert [(group.text, group.count) for group in found.groups] == [("where may I PARK", 2)] and found.hidden == 0


def test_question_of_one_other_user_is_only_counted(alice: User, bob: User, shelf: Collection) -> None:
    ask(bob, "Can I be dismissed while I am ill?", shelf)
    ask(bob, "Can I be dismissed while I am ill?", shelf)
    ask(alice, "Where is the key? Call +49 30 901820.", shelf)
    found = group_unanswered(alice, shelf)
    assert [group.count for group in found.groups] == [1] and found.hidden == 2
    assert "Where is the key?" in found.groups[0].text and "901820" not in found.groups[0].text
    page = get_page(alice, f"/collections/{shelf.pk}/statistics/")
    assert "dismissed" not in page and "2 more questions, not shown." in page


def test_question_without_a_collection_counts_where_the_nearest_passage_is(alice: User, shelf: Collection) -> None:
    other = make_collection(alice, "Other")
    answer = ask(alice, "Where is the ladder?")
    source = cite(answer, make_document(other, "near.txt"))
    RetrievedPassage.objects.create(answer=answer, source=source, rank=1, relevance=0.1, cosine=0, bm25=0)
    assert not group_unanswered(alice, shelf).groups
    assert [group.text for group in group_unanswered(alice, other).groups] == ["Where is the ladder?"]


def test_deleted_and_withheld_questions_are_left_out(alice: User, shelf: Collection) -> None:
    gone, withheld = ask(alice, "Where is the lamp?", shelf), ask(alice, "Where is the door?", shelf)
    Conversation.objects.filter(pk=gone.conversation_id).update(deleted="2026-01-01T00:00Z")
    Message.objects.filter(pk=withheld.parent_id).update(status="withheld")
    assert group_unanswered(alice, shelf).groups == []


def test_answers_count_once_for_each_document_that_they_cite_or_quote(alice: User, shelf: Collection) -> None:
    rare, often = make_document(shelf, "rare.txt"), make_document(shelf, "often.txt")
    never = make_document(shelf, "never.txt")
    quoted = ask(alice, "One?", shelf, nothing_found=False, quotes=[{"source": 1, "start": 0, "end": 1, "score": 1}])
    cite(quoted, often)
    cited = ask(alice, "Two?", shelf, nothing_found=False)
    source = cite(cited, often)
    for sentence in range(2):
        Citation.objects.create(answer=cited, sentence=sentence, start=0, end=1, source=source, score=1)
    once = ask(alice, "Three?", shelf, nothing_found=False)
    Citation.objects.create(answer=once, sentence=0, start=0, end=1, source=cite(once, rare), score=1)
    assert [(pk, count) for _, pk, count in count_citations(shelf)] == [(often.pk, 2), (rare.pk, 1), (never.pk, 0)]


def test_statistics_are_for_owners_only(alice: User, bob: User, shelf: Collection) -> None:
    path = f"/collections/{shelf.pk}/statistics/"
    assert "Statistics" in get_page(alice, f"/collections/{shelf.pk}/")
    assert make_client(bob).get(path).status_code == 404
    assert path not in get_page(bob, f"/collections/{shelf.pk}/")
