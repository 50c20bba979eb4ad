"""Consents: off by default, each respected by its own export only, each change logged."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils.html import escape

from apps.conversations.models import Conversation, Feedback, Message
from apps.evaluation.feedback import preference_pairs
from apps.safety.models import AuditEntry
from apps.safety.moderation import cases
from apps.safety.moderation.decision_input import DecisionInput
from apps.users import consents
from apps.users.consents import Consent
from apps.users.models import User
from tests.factories import make_note_case, register_notes

pytestmark = pytest.mark.django_db
EACH = pytest.mark.parametrize("consent", list(Consent))


@pytest.fixture
def own(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def written(alice: User, ada: User, morgan: User) -> Message:
    """Create a question of Alice with two answers that she rated, and a decision on another text of hers."""
    register_notes().state["1"] = "as it was"
    claimed = cases.claim_case(morgan, make_note_case(alice).pk)
    cases.decide_case(morgan, claimed.pk, DecisionInput(claimed.lease_token, claimed.version, "block", "clear"))
    conversation = Conversation.objects.create(owner=alice)
    asked = Message.objects.create(conversation=conversation, role="user", text="How high?", asked_by=alice)
    said = {"conversation": conversation, "parent": asked, "role": "assistant", "asked_by": alice, "status": "complete"}
    for good, text in ((True, "About 100 metres."), (False, "It was made of cheese.")):
        answer = Message.objects.create(text=text, **said)
        Feedback.objects.create(answer=answer, user=alice, is_positive=good)
    return answer


def used() -> set[Consent]:
    """Return the uses to which texts of Alice are put at present."""
    out = io.StringIO()
    call_command("export_labels", stdout=out)
    found = {
        Consent.RATED: bool(preference_pairs.build_pairs()),
        Consent.DECIDED: bool([json.loads(line) for line in out.getvalue().splitlines()]),
    }
    return {consent for consent, there in found.items() if there}


def agreed(alice: User) -> set[Consent]:
    return {one.consent for one in consents.list_consents(User.objects.get(pk=alice.pk)) if one.given}


def test_consents_are_off_until_given(own: Client, alice: User, written: Message) -> None:
    assert agreed(alice) == used() == set()
    page = own.get("/privacy/").content.decode()
    assert page.count("not agreed") == 2
    assert all(escape(str(one.label)) in page for one in Consent)


@EACH
def test_consent_opens_its_own_use_and_no_other(own: Client, alice: User, written: Message, consent: Consent) -> None:
    own.post("/privacy/consent/", {"to": consent, "consent": "yes"})
    assert agreed(alice) == used() == {consent}
    own.post("/privacy/consent/", {"to": consent, "consent": "no"})
    assert agreed(alice) == used() == set()


def test_former_consent_keeps_its_first_meaning_only(alice: User, written: Message) -> None:
    User.objects.filter(pk=alice.pk).update(allows_training_on_answers=True)  # the one flag that there was
    assert agreed(alice) == used() == {Consent.RATED}


def test_consent_change_is_recorded_once_from_every_page(own: Client, alice: User, written: Message) -> None:
    feedback = f"/answers/{written.pk}/feedback/detail/"
    memory = {"fact-TOTAL_FORMS": "0", "fact-INITIAL_FORMS": "0"}
    doors = (
        ("/privacy/consent/", {"to": "rated", "consent": "yes"}, {"to": "rated", "consent": ""}),
        (feedback, {"lend": "on"}, {}),
        ("/instructions/", {**memory, "lends": "on"}, memory),
    )
    for address, give, back in doors:
        before = AuditEntry.objects.count()
        for sent in (give, give, back, back):
            own.post(address, sent)
        rows = AuditEntry.objects.filter(kind__startswith="consent.").order_by("seq")[:100]
        last = [(row.kind, row.actor, row.user, row.payload) for row in rows][-2:]
        assert last == [
            ("consent.given", alice.pk, alice.pk, {"consent": "rated"}),
            ("consent.withdrawn", alice.pk, alice.pk, {"consent": "rated"}),
        ], address
        assert AuditEntry.objects.count() == before + 2, address


@pytest.mark.parametrize("sent", [{}, {"consent": "yes"}, {"to": "all", "consent": "yes"}, {"to": "is_superuser"}])
def test_an_unknown_consent_changes_nothing(own: Client, alice: User, sent: dict[str, str]) -> None:
    assert own.post("/privacy/consent/", sent).status_code == 404
    assert agreed(alice) == set() and not AuditEntry.objects.exists()


def test_the_log_says_which(client: Client, alice: User, ada: User) -> None:
    consents.change_consent(alice, Consent.DECIDED, True)
    client.force_login(ada)
    page = client.get("/review/log/?area=people").content.decode()
    assert "Consent given" in page and escape(str(Consent.DECIDED.label)) in page
