"""A notice names what it is about: the user's own words, where they stand, what was decided, and how to appeal."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.conversations.models import Conversation, Message
from apps.documents.models import Document
from apps.images.models import Picture
from apps.safety.audit_log import audit
from apps.safety.models import Case, Decision, Notice
from apps.safety.models.case_states import CaseState
from apps.safety.policy.schema import Action
from apps.users.accounts import reinstate_user
from apps.users.models import User
from tests.factories import decide_case, flag_text, make_client, make_collection, make_document
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db
ASKED = "Where do the [hate] people of this town live?"
SAID = "They are all bad and live by the quay."


@pytest.fixture
def answer(alice: User) -> Message:
    conversation = Conversation.objects.create(owner=alice, title="People of the town")
    asked = {"conversation": conversation, "asked_by": alice}
    question = Message.objects.create(role="user", text=ASKED, status="complete", **asked)
    return Message.objects.create(role="assistant", parent=question, status="withheld", ended=timezone.now(), **asked)


def ruled(reviewer: User, case: Case, outcome: str, **also: Any) -> None:
    decide_case(reviewer, case, outcome, **also)


def page(user: User, address: str = "/notices/") -> str:
    return strip_layout(make_client(user).get(address).content.decode())


def told(user: User) -> list[str]:
    """The cards, the latest first."""
    return re.findall(r'<article class="told.*?</article>', page(user), re.DOTALL)


def test_a_notice_of_a_question_has_its_words_and_leads_to_it(alice: User, answer: Message) -> None:
    flag_text(alice, "question", answer.pk, ASKED)
    (card,) = told(alice)
    assert f"“{ASKED}”" in card and f'href="/c/{answer.conversation_id}/#turn-{answer.pk}"' in card
    assert "People of the town" in card and "Hate" in card


def test_withheld_answer_is_not_shown_by_its_notice(alice: User, answer: Message) -> None:
    flag_text(alice, "answer", answer.pk, SAID)
    (card,) = told(alice)
    assert SAID not in card and ASKED in card, "what was asked says which answer it is"


def test_a_notice_of_a_document_names_it_and_leads_to_it(alice: User) -> None:
    paper = make_document(make_collection(alice, "Town"), "Quarrels", [SAID])
    flag_text(alice, "document", paper.pk, SAID, stage="passage", action=Action.REVIEW)
    (card,) = told(alice)
    assert f'href="/documents/{paper.pk}/"' in card and "Quarrels" in card and "Town" in card and SAID in card


def test_a_notice_names_no_document_that_its_user_may_no_longer_see(alice: User, bob: User) -> None:
    paper = make_document(make_collection(bob, "Secret place"), "Secret paper", [SAID])
    flag_text(alice, "document", paper.pk, SAID, stage="passage", action=Action.REVIEW)
    (card,) = told(alice)
    assert "Secret" not in card and str(paper.pk) not in card


def test_a_notice_of_a_picture_has_what_it_was_asked_for(alice: User) -> None:
    row = Picture.objects.create(
        owner=alice, prompt="a cat that hates", seed=1, width=64, height=64, steps=1, guidance=1, batch=uuid4(),
    )  # fmt: skip
    flag_text(alice, "picture", row.pk, row.prompt, stage="question")
    (card,) = told(alice)
    assert "a cat that hates" in card and f'href="/pictures/{row.pk}/"' in card


def test_a_decision_takes_the_place_of_the_notice_before_it_and_offers_the_appeal(
    alice: User, morgan: User, answer: Message
) -> None:
    case = flag_text(alice, "question", answer.pk, ASKED)
    assert "is waiting for review" in told(alice)[0] and "A decision is expected by" in told(alice)[0]
    ruled(morgan, case, "block")
    (card,) = told(alice)
    assert "is withheld" in card and "A decision is expected by" not in card and "Send appeal" in card
    assert card.index("Earlier notices about this") < card.index("is waiting for review")


def test_notice_of_a_lifted_suspension_says_that_it_ended(
    alice: User, morgan: User, ada: User, answer: Message
) -> None:
    case = flag_text(alice, "question", answer.pk, ASKED)
    ruled(morgan, case, "suspend")
    reinstate_user(User.objects.get(pk=alice.pk), ada)
    (card,) = told(User.objects.get(pk=alice.pk))
    heading = card.partition("</h2>")[0]
    assert "Your suspension has ended" in heading and "is suspended" not in card
    assert "This no longer applies." in card


def test_notice_of_a_suspension_lifted_early_names_no_end(
    alice: User, morgan: User, ada: User, answer: Message
) -> None:
    case = flag_text(alice, "question", answer.pk, ASKED)
    ruled(morgan, case, "suspend", suspension_days=7)
    reinstate_user(User.objects.get(pk=alice.pk), ada)
    assert "In force until" not in told(User.objects.get(pk=alice.pk))[0]


def test_a_withdrawn_statement_says_in_its_heading_that_it_ended(alice: User, answer: Message) -> None:
    case = flag_text(alice, "question", answer.pk, ASKED)
    Case.objects.filter(pk=case.pk).update(state=CaseState.AUTO_CLOSED)
    (card,) = told(alice)
    assert "Ended" in card.partition("</h2>")[0]


def test_the_navigation_counts_what_was_not_read(alice: User, morgan: User, answer: Message) -> None:
    def unread() -> str:
        found = re.search(r"data-count>(\d+)<", page(alice, "/collections/"))
        return found[1] if found and found[1] != "0" else ""

    assert unread() == ""
    ruled(morgan, flag_text(alice, "question", answer.pk, ASKED), "block")
    flag_text(alice, "answer", answer.pk, SAID)
    assert Notice.objects.count() == 3 and unread() == "2", "one for each thing, not for each word about it"
    told(alice)
    assert unread() == ""


def test_times_are_those_of_the_reader(alice: User, answer: Message) -> None:
    case = flag_text(alice, "question", answer.pk, ASKED)
    (card,) = told(alice)
    assert f'datetime="{case.due_at.replace(microsecond=0):%Y-%m-%dT%H:%M}' in card and "data-local" in card
    assert "UTC" not in Notice.objects.get().text, "no time stands in words that a browser cannot change"


def test_a_withheld_document_does_not_look_ready(alice: User) -> None:
    collection = make_collection(alice, "Town")
    paper = make_document(collection, "Quarrels", [SAID])
    Document.objects.filter(pk=paper.pk).update(withheld="A reviewer withheld this. Hate.")
    row = page(alice, f"/collections/{collection.pk}/")
    row = row[row.index(f'id="file-{paper.pk}"') :]
    row = row[: row.index("</tr>")]
    assert "Withheld" in row and "Ready" not in row and "A reviewer withheld this. Hate." in row
    assert 'href="/notices/"' in row


def paper_flagged(owner: User, name: str, action: Action = Action.SEND) -> Case:
    paper = make_document(make_collection(owner, "Town"), name, [SAID])
    return flag_text(owner, "document", paper.pk, SAID, stage="passage", action=action)


def test_appealable_notices_stand_before_settled_ones(alice: User, morgan: User) -> None:
    ruled(morgan, paper_flagged(alice, "Blocked paper"), "block")
    ruled(morgan, paper_flagged(alice, "Allowed paper"), "allow")
    paper_flagged(alice, "Pending paper")
    first, second, third = told(alice)
    assert "Blocked paper" in first and "Pending paper" in second and "Allowed paper" in third
    listed = page(alice, "/notices/?show=appealable")
    assert listed.count('class="told') == 1 and "Blocked paper" in listed and "Send appeal" in listed


def test_an_appeal_is_offered_until_a_day(alice: User, morgan: User, answer: Message) -> None:
    case = flag_text(alice, "question", answer.pk, ASKED)
    assert "Can be appealed" not in page(alice), "nothing can be"
    ruled(morgan, case, "block")
    Decision.objects.update(created=datetime(2026, 11, 29, 12, tzinfo=UTC))
    with patch("django.utils.timezone.now", return_value=datetime(2026, 12, 1, tzinfo=UTC)):
        (card,) = told(alice)
    assert "You can appeal until<time" in card and ">29 December 2026</time>" in card and "30 days" not in card
    Decision.objects.update(created=timezone.now() - timedelta(days=31))
    (card,) = told(alice)
    assert "You can appeal" not in card


def test_the_page_of_all_is_short_and_one_topic_has_pages(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.safety.views.notice_pages.ROWS", 6)
    for number in range(8):
        paper_flagged(alice, f"Paper {number}")
    assert len(told(alice)) == 5 and "Show all 8" in page(alice)
    one, two = page(alice, "/notices/?show=decisions"), page(alice, "/notices/?show=decisions&page=2")
    assert one.count('class="told') == 6 and two.count('class="told') == 2
    assert 'id="reads"' not in one and 'href="?show=decisions&amp;page=2"' in one
    assert 'id="reads"' in page(alice, "/notices/?show=reads") and "told" not in page(alice, "/notices/?show=reads")
    assert page(alice, "/notices/?show=x").count('class="told') == 5, "an unknown topic is no topic"


def test_an_appeal_returns_to_its_notice(alice: User, morgan: User, answer: Message, client: Client) -> None:
    ruled(morgan, flag_text(alice, "question", answer.pk, ASKED), "block")
    notice = Notice.objects.get(decision__isnull=False)
    client.force_login(alice)
    for text in ("It was a quotation.", "Again."):  # the second is refused
        response = client.post(f"/notices/{notice.pk}/appeal/", {"text": text})
        assert response.url == f"/notices/?show=decisions&page=1#notice-{notice.pk}"
    assert f'id="notice-{notice.pk}"' in page(alice, "/notices/?show=decisions&page=1")


def test_a_reading_names_the_text_and_leads_to_its_notice(alice: User, morgan: User, answer: Message) -> None:
    case = flag_text(alice, "question", answer.pk, ASKED)
    ruled(morgan, case, "block")
    audit.record_event("read", actor=morgan, user=alice.pk, subject=f"case {case.pk}", why="review", clause="hate")
    audit.record_event("read", actor=morgan, user=alice.pk, subject=f"case {uuid4()}", why="review", clause="x")
    reads = page(alice, "/notices/?show=reads")
    notice = Notice.objects.get(decision__isnull=False)
    link = f'<a href="/notices/?show=decisions&amp;page=1#notice-{notice.pk}">“{ASKED}”</a>'
    assert reads.count("A reviewer") == 2 and reads.count(link) == 1, "without a notice no text is named"


def test_a_notice_of_a_hold_says_what_happens_when_it_ends(alice: User, answer: Message) -> None:
    flag_text(alice, "question", answer.pk, ASKED)
    assert "If none decides in time, it will be answered when you ask it again." in told(alice)[0]


@pytest.mark.parametrize(("written", "read"), [("", "de"), ("de", "es"), ("es", "en")])
def test_a_notice_is_read_in_the_language_of_its_page(
    alice: User, morgan: User, answer: Message, written: str, read: str
) -> None:
    User.objects.filter(pk=alice.pk).update(language=written)
    alice.refresh_from_db()
    case = flag_text(alice, "question", answer.pk, ASKED)
    ruled(morgan, case, "block")
    User.objects.filter(pk=alice.pk).update(language=read)
    alice.refresh_from_db()
    (card,) = told(alice)
    stored = Notice.objects.filter(user=alice).latest("pk")
    assert stored.title not in card and stored.text not in card and stored.clause not in card
    assert {"de": "Hass. ", "es": "Odio. ", "en": "Hate. "}[read] in card
    assert {"de": "Widerspruch senden", "es": "Enviar el recurso", "en": "You can appeal until"}[read] in card


def test_notices_of_former_releases_stay_as_they_were_stored(alice: User, answer: Message) -> None:
    flag_text(alice, "question", answer.pk, ASKED)
    User.objects.filter(pk=alice.pk).update(language="de")
    Notice.objects.filter(user=alice).update(
        message="", title="Former title", clause="Hate. Former words of the policy."
    )
    (card,) = told(User.objects.get(pk=alice.pk))
    assert "Former title" in card and "Former words of the policy." in card
