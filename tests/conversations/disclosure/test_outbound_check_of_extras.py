"""What leaves with a conversation beside the texts: quotes, results of tools, thoughts, records of copies, pictures."""

from __future__ import annotations

import json

import pytest

from apps.conversations.evidence.answer_sources import AnswerSources
from apps.conversations.evidence.source_list import QuoteView
from apps.conversations.image_chat import tiles
from apps.conversations.models import AnswerTrace, Conversation, Message
from apps.conversations.transfer import export
from apps.conversations.turns import trace
from apps.engines import registry
from apps.engines.classify.image_classifier import FakeImageClassifier
from apps.engines.types import EngineBroken
from apps.images.models import Picture
from apps.lib.ids import new_id
from apps.safety.models import Case, OutboundVerdict
from apps.safety.moderation import cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.moderation.decision_input import DecisionInput
from apps.safety.policy import versions
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.schema import Action
from apps.users.models import User
from tests.conversations.disclosure.conftest import HARMLESS, HATEFUL, Looks
from tests.factories import decide_case, get_page, get_reviewer, make_client, share_conversation

pytestmark = pytest.mark.django_db
RECORD = {"search": None, "prompt": None, "thoughts": "", "verdicts": [], "tokens": [], "pieces": [], "timeline": []}


def recorded(said: str, **also: object) -> Message:
    answer = Message.objects.get(text=said)
    AnswerTrace.objects.create(answer=answer, data=trace.pack_trace(RECORD | also))
    return answer


def test_a_copy_of_a_link_has_no_record_of_what_stays_back(conversation: Conversation, bob: User) -> None:
    recorded(HATEFUL, tokens=[[HATEFUL, -0.1, []]])
    recorded(HARMLESS, tokens=[[HARMLESS, -0.1, []]])
    make_client(bob).post(f"{share_conversation(conversation)}copy/")
    rows = AnswerTrace.objects.filter(answer__conversation__owner=bob).select_related("answer")
    assert [row.answer.text for row in rows] == [HARMLESS]
    assert HATEFUL not in json.dumps([trace.unpack_trace(bytes(row.data)) for row in rows])


@pytest.mark.parametrize("said", ["", HARMLESS])
def test_a_result_of_a_tool_is_judged_with_its_answer(conversation: Conversation, alice: User, said: str) -> None:
    call = {"id": "1", "tool": "search", "title": "Search", "arguments": {}, "text": HATEFUL, "status": "done"}
    Message.objects.filter(text=HARMLESS).update(text=said, tools=[call])
    Message.objects.filter(text=HATEFUL).update(text="The harbour master.")
    page = get_page(alice, f"/c/{conversation.pk}/export.json")
    assert "[hate]" not in page and HARMLESS not in page and "withheld from exports" in page
    assert "The harbour master." in page and Case.objects.get().snapshot.text == HATEFUL


def test_thoughts_are_judged_where_they_leave(conversation: Conversation, alice: User) -> None:
    answer = recorded(HARMLESS, thoughts="I think this is [hate] too.")
    Message.objects.filter(pk=answer.pk).update(usage={"thoughts": True})
    assert "I think" not in get_page(alice, f"/c/{conversation.pk}/export.json")
    assert HARMLESS in get_page(alice, f"/c/{conversation.pk}/export.md"), "there they do not leave"


@pytest.mark.parametrize("name", ["export.md", "export.json", "print/"])
def test_quotes_are_judged_also_where_they_are_all_of_the_answer(
    conversation: Conversation, alice: User, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Message.objects.filter(text=HARMLESS).update(text="")
    quoted = AnswerSources(quotes=(QuoteView(1, "", "A page full of [hate].", "Handbook", 1),))
    monkeypatch.setattr(export, "load_answer_sources", lambda user, rows: {row.pk: quoted for row in rows})
    page = get_page(alice, f"/c/{conversation.pk}/{name}")
    assert "A page full" not in page and "withheld from exports" in page


@pytest.fixture
def lamp(conversation: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch) -> Picture:
    """A picture of an answer, for which the classifier is sure that it is sexual."""
    row = Picture.objects.create(owner=alice, prompt="A lamp", width=64, height=64, steps=1, guidance=1, seed=1,
                                 model="fake", status="ready", sha256="1" * 64)  # fmt: skip
    answer = Message.objects.get(text=HARMLESS)
    Message.objects.filter(pk=answer.pk).update(picture_request={"prompt": "A lamp"})
    tiles.add_tiles(answer.pk, [row.pk])
    monkeypatch.setattr(registry, "get_image_classifier", Looks)
    monkeypatch.setattr("apps.conversations.disclosure.outbound_check.read_stored_bytes", lambda file: b"a picture")
    return row


def let_pass(owner: User, subject: object, words: str) -> None:
    """A reviewer has allowed a picture."""
    outcome = PolicyResult(Action.SEND, "sexual", 3, 0.95)
    case = cases.flag_content(FlaggedContent("picture", str(subject), "picture", words, owner.pk, outcome))
    morgan = get_reviewer("morgan")
    decide_case(morgan, case, "allow", "context")
    versions.refresh_policy()


@pytest.mark.parametrize("words", ["A lamp", "A picture drawn from: A lamp"])
def test_allowed_picture_of_the_same_words_lets_no_other_pass(
    conversation: Conversation, alice: User, lamp: Picture, words: str
) -> None:
    let_pass(alice, new_id(), words)
    assert versions.is_allowed_text(words)
    assert "created by fake" not in get_page(alice, f"/c/{conversation.pk}/export.md")


def test_a_picture_that_stays_back_says_why_and_is_seen_by_a_reviewer(
    conversation: Conversation, alice: User, bob: User, lamp: Picture
) -> None:
    address, home = share_conversation(conversation), f"/c/{conversation.pk}/"
    page = get_page(bob, address)
    assert "withheld from shared links" in page and "A reviewer will check it" in page and "A lamp" not in page
    for name in ("export.md", "export.json", "print/"):
        page = get_page(alice, home + name)
        assert "This picture is withheld from exports" in page and "seed" not in page, name
    case = Case.objects.get(kind="picture")  # one, though it was judged at two stages and asked for often
    assert (case.kind, case.subject, case.owner, case.hold_expires_at) == ("picture", str(lamp.pk), alice, None)
    morgan = get_reviewer("morgan")
    claimed = cases.claim_case(morgan, case.pk)
    assert f"/review/{case.pk}/picture.png" in get_page(morgan, f"/review/{case.pk}/")
    cases.decide_case(morgan, case.pk, DecisionInput(claimed.lease_token, claimed.version, "allow", "context"))
    assert str(lamp.pk) in get_page(bob, address) and "created by fake" in get_page(alice, f"{home}export.md")


def test_a_picture_whose_verdict_is_known_already_is_seen_by_a_reviewer_too(
    conversation: Conversation, alice: User, lamp: Picture
) -> None:
    """The same file may be somebody else's as well, or was judged before there were cases of what leaves."""
    home = f"/c/{conversation.pk}/export.md"
    get_page(alice, home)
    Case.objects.filter(kind="picture").update(subject=str(new_id()))  # of the other one
    assert "A reviewer will check it" in get_page(alice, home) and "A reviewer will check it" in get_page(alice, home)
    case = Case.objects.get(kind="picture", subject=str(lamp.pk))
    assert (case.owner, case.report_count) == (alice, 1)


def test_shared_picture_costs_no_query_for_an_allowed_case(
    conversation: Conversation, bob: User, lamp: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "get_image_classifier", FakeImageClassifier)
    monkeypatch.setattr(FakeImageClassifier, "scores", lambda self, picture: {"sexual": 0.01})
    monkeypatch.setattr(cases, "is_allowed", lambda kind, subject: pytest.fail("a query for each picture of a link"))
    assert str(lamp.pk) in get_page(bob, share_conversation(conversation))


def test_a_picture_that_people_let_pass_leaves(
    conversation: Conversation, alice: User, bob: User, lamp: Picture
) -> None:
    address = share_conversation(conversation)
    assert str(lamp.pk) not in get_page(bob, address)
    let_pass(alice, lamp.pk, "A picture drawn from: A lamp")
    assert str(lamp.pk) in get_page(bob, address)


def test_picture_left_unjudged_by_the_classifier_is_judged_again(
    conversation: Conversation, alice: User, lamp: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Looks):
        def scores(self, content: bytes) -> dict[str, float]:
            raise EngineBroken("Away.")

    monkeypatch.setattr(registry, "get_image_classifier", Broken)
    get_page(alice, f"/c/{conversation.pk}/export.md")
    assert OutboundVerdict.objects.count() == 2, "those of the two answers"
    monkeypatch.setattr(registry, "get_image_classifier", Looks)
    assert "created by fake" not in get_page(alice, f"/c/{conversation.pk}/export.md")
