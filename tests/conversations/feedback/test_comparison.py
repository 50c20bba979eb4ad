"""Two answers side by side, also where one of them has no text."""

from __future__ import annotations

import pytest

from apps.conversations.core import model_choice
from apps.conversations.core.requests import AskRequest, RetryRequest
from apps.conversations.models import Conversation, Message, Preference
from apps.users.models import User
from tests.factories import make_client, make_exchange

pytestmark = pytest.mark.django_db


def answers(owner: User, *rows: tuple[str, str]) -> list[Message]:
    """Answers to one question, from pairs of text and status."""
    (text, status), *others = rows
    first = make_exchange(owner, answer=text, status=status)
    same = {"conversation": first.conversation, "parent": first.parent, "role": "assistant", "asked_by": owner}
    return [
        first,
        *(
            Message.objects.create(text=text, status=status, reason="" if text else "Why.", **same)
            for text, status in others
        ),
    ]


def test_an_answer_without_text_stands_beside_the_other_and_says_why(alice: User) -> None:
    written, failed = answers(alice, ("It is **high**.", "complete"), ("", "failed"))
    for row in (written, failed):
        shown = make_client(alice).get(f"/answers/{row.pk}/compare/")
        assert shown.status_code == 200
        assert "<strong>" in shown.content.decode()
        assert "This answer has no text. Why." in " ".join(shown.content.decode().split())
        assert f'value="{written.pk}"' in shown.content.decode()
        assert f'name="better" value="{failed.pk}"' not in shown.content.decode(), "nothing there to be better"
    make_client(alice).post(f"/answers/{failed.pk}/compare/", {"with": written.pk, "better": written.pk})
    assert Preference.objects.get().better == written


def test_an_answer_that_found_nothing_says_so_as_in_the_conversation(alice: User) -> None:
    written, empty = answers(alice, ("It is high.", "complete"), ("", "complete"))
    empty.nothing_found, empty.reason = True, ""
    searched = {"searched": ["Handbook"], "documents": 2, "query": "high"}
    empty.steps = [{"name": "search", "words": "Searched", "ms": 3.0, "nothing": searched}]
    empty.save()
    shown = make_client(alice).get(f"/answers/{written.pk}/compare/").content.decode()
    assert "I found nothing about this in your documents." in shown and "This answer has no text." not in shown
    assert "Answer 1 · Openbook · model not known" in shown and "Answer 2 · Openbook\n" in shown, "no model was asked"


def test_the_choice_that_neither_is_better_is_marked(alice: User) -> None:
    written, other = answers(alice, ("It is high.", "complete"), ("Very high.", "complete"))
    pressed = 'value=""\n          aria-pressed="true"'
    page, address = make_client(alice), f"/answers/{written.pk}/compare/"
    assert pressed not in page.get(address).content.decode()
    assert pressed in page.post(address, {"with": other.pk, "better": ""}, follow=True).content.decode()
    chosen = page.post(address, {"with": other.pk, "better": other.pk}, follow=True).content.decode()
    assert pressed not in chosen and "Answer 1 · Openbook · " in chosen, "the names of who answered"
    assert f"?at={other.pk}" in chosen, "the way back leads to the better one"


def test_comparison_with_an_unfinished_answer_leads_to_the_conversation(alice: User) -> None:
    written, _ = answers(alice, ("It is high.", "complete"), ("", "writing"))
    shown = make_client(alice).get(f"/answers/{written.pk}/compare/", follow=True)
    assert shown.status_code == 200
    assert "There is no second answer to compare with yet." in shown.content.decode()


def test_answers_of_others_are_not_found(alice: User, bob: User) -> None:
    written, _ = answers(alice, ("It is high.", "complete"), ("", "failed"))
    assert make_client(bob).get(f"/answers/{written.pk}/compare/").status_code == 404


def test_choosing_a_model_for_one_answer_leaves_the_conversation_its_own(alice: User) -> None:
    """See `choosing.keep`: what is kept is what the caller names, whatever fields a wish has."""
    conversation = Conversation(owner=alice, title="Lighthouse")
    model_choice.apply_settings(conversation, RetryRequest("1", conversation.pk, None, False, None, "big", None))
    assert conversation.model == ""
    model_choice.apply_settings(conversation, AskRequest("1", "How high?"), model="big")
    assert conversation.model == "big"
