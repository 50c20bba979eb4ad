"""A case whose subject was deleted, or whose person was erased, ends by itself, on every way that deletes something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.conversations.history import conversation_actions
from apps.conversations.models import Conversation, Message
from apps.documents.library import deletion, sharing
from apps.documents.models import Chunk, Document
from apps.privacy import data_requests, retention
from apps.privacy.models import RetentionRule
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import Case, Decision, Notice, SecondReview
from apps.safety.models.case_states import CaseState
from apps.safety.moderation import appeals, auto_close, enforcement, second_reviews
from apps.safety.moderation import cases as moderation_cases
from apps.users.models import User
from tests.factories import decide_case, flag_text, make_collection, make_decision_input, make_document

pytestmark = pytest.mark.django_db
Ends = Callable[[Conversation], None]


def state(found: Case) -> str:
    return Case.objects.get(pk=found.pk).state


def exchange(owner: User) -> Message:
    """A withheld answer of a conversation."""
    conversation = Conversation.objects.create(owner=owner, title="Talk")
    asked = Message.objects.create(conversation=conversation, role="user", text="Why?", asked_by=owner)
    return Message.objects.create(
        conversation=conversation, parent=asked, role="assistant", asked_by=owner, status="withheld"
    )


def appealed(decision: Decision) -> Case:
    assert decision.owner is not None
    appeals.submit_appeal(decision.owner, Notice.objects.get(decision=decision), "It was a quotation.")
    return Case.objects.get(pk=decision.case_id)


def deleted(talk: Conversation) -> None:
    conversation_actions.delete_conversations(talk.owner, [talk.pk])
    assert (
        conversation_actions.purge_deleted() == 0 and Case.objects.exclude(state=CaseState.AUTO_CLOSED).count() == 3
    ), "it can be brought back"
    late = timezone.now() - conversation_actions.UNDELETE_PERIOD - timedelta(seconds=1)
    Conversation.objects.filter(pk=talk.pk).update(deleted=late)
    assert conversation_actions.purge_deleted() == 1


def outlived(talk: Conversation) -> None:
    retention.change_rule(talk.owner, RetentionRule.Scope.CONVERSATION, 1, talk.pk)
    Conversation.objects.filter(pk=talk.pk).update(changed=timezone.now() - timedelta(days=2))
    assert retention.delete_expired() == 1


@pytest.mark.parametrize("end", [deleted, outlived])
def test_a_chat_takes_its_cases_with_it(alice: User, morgan: User, end: Ends) -> None:
    answer, other = exchange(alice), exchange(alice)
    opened = [flag_text(alice, "question", answer.pk), flag_text(alice, "answer", answer.pk, code="violence")]
    stays = flag_text(alice, "question", other.pk)
    claimed = moderation_cases.claim_case(morgan, opened[0].pk)
    end(answer.conversation)
    assert [state(one) for one in opened] == [CaseState.AUTO_CLOSED] * 2 and state(stays) == CaseState.OPEN
    with pytest.raises(ActionRefused):
        moderation_cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
    assert audit.verify_chain() == []


def test_a_second_look_that_was_asked_for_is_waited_for_no_longer(alice: User, morgan: User, robin: User) -> None:
    """One that was given stays: it counts among how often reviewers agree."""
    answer = exchange(alice)
    for _ in range(2):
        claimed = moderation_cases.claim_case(morgan, flag_text(alice, "answer", answer.pk).pk)
        moderation_cases.request_second_review(morgan, claimed.pk, claimed.lease_token)
    given = second_reviews.claim_review(robin)
    assert given is not None
    second_reviews.submit_review(robin, given.pk, given.lease_token, True)
    assert second_reviews.pending_reviews(robin).count() == 1
    auto_close.close_deleted("answer", str(answer.pk))
    assert not second_reviews.pending_reviews(robin).exists() and second_reviews.claim_review(robin) is None
    assert list(SecondReview.objects.values_list("harmful", flat=True)) == [True] and audit.verify_chain() == []


@pytest.mark.parametrize("whole", [False, True])
def test_a_document_takes_its_cases_with_it(alice: User, whole: bool) -> None:
    collection = make_collection(alice)
    gone, stays = (
        make_document(collection if name == "gone" else make_collection(alice, name), name, ["Text."])
        for name in ("gone", "stays")
    )
    cases = [flag_text(alice, "document", row.pk) for row in (gone, stays)]
    if whole:
        sharing.remove_collection(collection)
    else:
        deletion.remove_document(gone)
    assert [state(one) for one in cases] == [CaseState.AUTO_CLOSED, CaseState.OPEN]


def test_an_appeal_goes_on_when_the_chat_is_gone(alice: User, ada: User, morgan: User, robin: User) -> None:
    """Somebody was suspended for it: that has its way back whatever became of the question."""
    answer = exchange(alice)
    found = appealed(decide_case(morgan, flag_text(alice, "question", answer.pk), "suspend"))
    deleted_for_good = Conversation.objects.filter(pk=answer.conversation_id)
    deleted_for_good.update(deleted=timezone.now() - 2 * conversation_actions.UNDELETE_PERIOD)
    assert conversation_actions.purge_deleted() == 1 and state(found) == CaseState.APPEALED
    claimed = moderation_cases.claim_case(robin, found.pk)
    appeals.decide_appeal(robin, found.pk, make_decision_input(claimed, "overturn", "mistake"))
    alice.refresh_from_db()
    assert alice.is_active and state(found) == CaseState.OVERTURNED


def test_an_appeal_ends_with_its_person_and_what_is_others_has_its_way_back(
    alice: User, bob: User, morgan: User, robin: User, ada: User
) -> None:
    """Alice put a file into Bob's collection: he keeps the file, and the decision about it can still be reopened."""
    own, shared = (
        make_document(make_collection(alice), "own", ["Text."]),
        make_document(make_collection(bob), "shared", ["One.", "Two."]),
    )
    Document.objects.filter(pk=shared.pk).update(uploaded_by=alice)
    Chunk.objects.filter(document=shared, position=1).update(enabled=False)  # by Bob
    rulings = [decide_case(morgan, flag_text(alice, "document", row.pk)) for row in (own, shared)]
    cases = [appealed(one) for one in rulings]
    claimed = moderation_cases.claim_case(robin, cases[1].pk)
    data_requests.process_request(str(data_requests.request_erasure(alice).pk))
    assert [state(one) for one in cases] == [CaseState.AUTO_CLOSED] * 2
    with pytest.raises(ActionRefused):
        appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    assert Document.objects.get(pk=shared.pk).withheld
    for decision in rulings:
        enforcement.revert_effects(Decision.objects.get(pk=decision.pk), robin)
    assert Document.objects.get(pk=shared.pk).withheld == ""
    assert list(Chunk.objects.filter(document=shared).values_list("enabled", flat=True)) == [True, False]
    assert audit.verify_chain() == []
