"""Preference pairs: only of consenting users, in the format of TRL's DPO trainer; test questions from feedback."""

from __future__ import annotations

import json

import pytest

from apps.conversations.models import Feedback, Message, RetrievedPassage, Source
from apps.evaluation.models import GoldenQuestion
from apps.safety.models import AuditEntry
from apps.users.models import User
from tests.factories import make_client, make_collection, make_document, make_exchange, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two(alice: User) -> tuple[Message, Message]:
    """Create two answers to Alice's second question, and rate the first one as poor."""
    worse = make_exchange(
        alice, "How high?", "It was made of cheese.", after=make_exchange(alice, "Where?", "In Alexandria.")
    )
    better = Message.objects.create(
        conversation=worse.conversation, parent=worse.parent, role="assistant", text="About 100 metres.", asked_by=alice
    )
    Feedback.objects.create(answer=worse, user=alice, is_positive=False)
    Feedback.objects.create(answer=better, user=alice, is_positive=True)
    return worse, better


def exported(user: User) -> list[dict]:
    response = make_client(user).get("/feedback/preferences.jsonl")
    assert response["Content-Type"] == "application/jsonl"
    return [json.loads(line) for line in response.content.splitlines()]


def test_a_pair_is_in_the_export_only_while_its_person_lends_it(alice, two) -> None:
    ada = make_user("ada", User.Role.ADMINISTRATOR)
    assert exported(ada) == []
    make_client(alice).post(f"/answers/{two[0].pk}/feedback/detail/", {"lend": "on"})
    assert exported(ada) == [
        {
            "prompt": [
                {"role": "user", "content": "Where?"},
                {"role": "assistant", "content": "In Alexandria."},
                {"role": "user", "content": "How high?"},
            ],
            "chosen": [{"role": "assistant", "content": "About 100 metres."}],
            "rejected": [{"role": "assistant", "content": "It was made of cheese."}],
        }
    ]
    assert AuditEntry.objects.filter(actor=ada.pk, user=alice.pk, subject="preference pairs").count() == 1
    make_client(alice).post(f"/answers/{two[0].pk}/feedback/detail/", {})
    assert exported(ada) == []


def test_withheld_and_deleted_answers_are_in_no_pair_and_reviewers_export_nothing(alice, two) -> None:
    User.objects.filter(pk=alice.pk).update(allows_training_on_answers=True)
    ada = make_user("ada", User.Role.ADMINISTRATOR)
    assert len(exported(ada)) == 1
    assert make_client(make_user("morgan", User.Role.REVIEWER)).get("/feedback/preferences.jsonl").status_code == 404
    Message.objects.filter(pk=two[0].pk).update(status="withheld", text="")
    assert exported(ada) == []
    Message.objects.filter(pk=two[0].pk).update(status="complete", text="Cheese.")
    make_client(alice).post(f"/c/{two[0].conversation_id}/delete/")
    assert exported(ada) == []


def test_a_rated_question_becomes_a_golden_one_of_a_collection_that_the_reader_may_edit(alice, two) -> None:
    ada = make_user("ada", User.Role.ADMINISTRATOR)
    row = Feedback.objects.get(is_positive=False)
    collection = make_collection(ada, "Shelf")
    document = make_document(collection, "Lighthouses", ["The lighthouse stood about 100 metres high."])
    assert "test question of" not in make_client(ada).get(f"/feedback/{row.pk}/").content.decode()
    source = Source.objects.create(
        conversation=two[0].conversation, number=1, document=document, page_number=1, spans=[[0, 12]]
    )
    RetrievedPassage.objects.create(answer=two[0], source=source, rank=1, relevance=0.9, cosine=0.5, bm25=1.0)
    item = make_client(ada).get(f"/feedback/{row.pk}/").context["golden"][0]
    assert (item["collection"], item["form"]["text"].initial) == (collection, "How high?")
    assert item["form"]["document"].initial == document.pk
    make_client(ada).post(
        f"/collections/{collection.pk}/golden/", {"text": "How high?", "document": document.pk, "expected_words": ""}
    )
    assert GoldenQuestion.objects.get().text == "How high?"
    assert (
        "test question of"
        not in make_client(make_user("robin", User.Role.REVIEWER)).get(f"/feedback/{row.pk}/").content.decode()
    )


def test_preferred_answer_is_a_pair_and_a_change_of_mind_leaves_one(alice, bob, two) -> None:
    Feedback.objects.all().delete()
    User.objects.filter(pk=alice.pk).update(allows_training_on_answers=True)
    ada = make_user("ada", User.Role.ADMINISTRATOR)
    worse, better = two
    address = f"/answers/{worse.pk}/compare/"
    page = make_client(alice).get(address).content.decode()
    assert "About 100 metres." in page and "It was made of cheese." in page
    assert (
        make_client(bob).get(address).status_code
        == make_client(bob).post(address, {"better": worse.pk}).status_code
        == 404
    )
    for choice in (worse, better):
        make_client(alice).post(address, {"better": choice.pk, "with": better.pk})
    pairs = exported(ada)
    assert [(pair["chosen"][0]["content"], pair["rejected"][0]["content"]) for pair in pairs] == [
        ("About 100 metres.", "It was made of cheese.")
    ]
    make_client(alice).post(address, {"better": "", "with": better.pk})
    assert exported(ada) == []
    better.delete()
    assert make_client(alice).get(address).url.startswith(f"/c/{worse.conversation_id}/"), "nothing to compare with"
