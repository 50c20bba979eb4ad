"""Break-glass: one conversation, for a written reason, approved by another one, for a while, seen by its person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.administration.navigation import build_navigation
from apps.conversations.models import Conversation, Message
from apps.privacy import data_requests
from apps.privacy.models import DataRequest
from apps.safety.audit_log import audit
from apps.safety.break_glass import jobs
from apps.safety.models import AuditEntry
from apps.safety.models.break_glass import BreakGlass
from apps.safety.moderation import cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.schema import Action
from apps.users import special_permissions
from apps.users.api_tokens import create_token
from apps.users.models import User, UserNotice
from tests.conversations.disclosure.conftest import PAGE, WHY, name_for
from tests.factories import make_client, make_exchange, make_user

pytestmark = pytest.mark.django_db
SAID = "The heliotrope key lies under the mat."


@pytest.fixture
def asker(morgan: User, robin: User) -> Client:
    return make_client(name_for(morgan))


@pytest.fixture
def conversation(alice: User) -> Conversation:
    said = f"{SAID} <script>alert(1)</script>"
    return make_exchange(alice, "Where is **the key**?", said, title="Heliotrope").conversation


def sent(conversation: Conversation | str, **more: Any) -> dict[str, Any]:
    wanted = conversation if isinstance(conversation, str) else f"http://localhost:8000/c/{conversation.pk}/"
    return {"wanted": wanted, "ground": "order", "reason": WHY, **more}


def make_request(client: Client, conversation: Conversation | str, **more: Any) -> BreakGlass:
    client.post(PAGE, sent(conversation, **more))
    return BreakGlass.objects.get()


def do(client: Client, row: BreakGlass, what: str, note: str = "") -> BreakGlass:
    client.post(f"{PAGE}{row.pk}/decide/", {"do": what, "note": note})
    row.refresh_from_db()
    return row


def kinds() -> list[str]:
    rows = AuditEntry.objects.filter(subject__startswith="glass ").order_by("seq")
    return list(rows.values_list("kind", flat=True))


def test_access_is_requested_approved_used_and_seen_by_the_owner(
    asker: Client, robin: User, conversation: Conversation
) -> None:
    row = make_request(asker, conversation)
    address = f"{PAGE}{row.pk}/"
    assert (row.state, row.conversation, row.user) == ("asked", conversation.pk, conversation.owner)
    assert asker.get(address).status_code == 404, "nobody has approved it"
    assert do(asker, row, "approve").state == "asked", "never oneself"
    page = make_client(robin).get(PAGE).content.decode()
    assert WHY in page and SAID not in page
    assert do(make_client(robin), row, "approve").state == "open"
    page = asker.get(address).content.decode()
    assert SAID in page and "**the key**" in page and "<script>alert" not in page
    assert "data-turn" not in page and 'name="do" value="end"' in page
    assert make_client(robin).get(address).status_code == 404, "it is open for who asked, alone"
    assert kinds() == ["break_glass.requested", "break_glass.approved", "read"]
    read = AuditEntry.objects.get(kind="read")
    assert (read.actor, read.user) == (row.requester_id, conversation.owner_id)
    assert read.payload == {"why": "break_glass", "ground": "order", "reason": WHY, "texts": 2}
    assert "emergency access (a court order" in make_client(conversation.owner).get("/notices/").content.decode()
    link = f'href="/c/{conversation.pk}/"'
    assert link in make_client(conversation.owner).get("/notices/?show=reads").content.decode()
    assert audit.verify_chain() == []


def test_owner_gets_an_unread_notice_of_a_break_glass_reading(
    asker: Client, robin: User, conversation: Conversation
) -> None:
    row = do(make_client(robin), make_request(asker, conversation), "approve")
    for _ in range(2):
        asker.get(f"{PAGE}{row.pk}/")
    owner = make_client(conversation.owner)
    assert owner.get("/notices/new/").json()["count"] == 1
    page = owner.get("/notices/").content.decode()
    sentence = "A reviewer read your conversation “Heliotrope”. A second member of staff approved it."
    assert page.count(sentence) == 2 and "No notices" not in page, "each reading is listed"
    assert page.count('<span class="dot">') >= 1 and owner.get("/notices/new/").json()["count"] == 0
    assert '<span class="dot">' not in owner.get("/notices/").content.decode().split('id="reads"')[1]
    UserNotice.objects.all().delete()
    assert "A reviewer read one of your conversations." in owner.get("/notices/").content.decode()


@pytest.mark.parametrize(
    ("asks", "emergency", "words"),
    [
        ("ada", False, "An administrator read your conversation “Heliotrope”. A second member"),
        ("ada", True, "An administrator read your conversation “Heliotrope”. It was opened in an emergency"),
        ("robin", False, "A reviewer read your conversation “Heliotrope”. A second member"),
    ],
)
def test_the_notice_says_who_read_and_who_approved(
    request: pytest.FixtureRequest, morgan: User, conversation: Conversation, asks: str, emergency: bool, words: str
) -> None:
    user = name_for(request.getfixturevalue(asks))
    row = make_request(make_client(user), conversation, **({"emergency": "on"} if emergency else {}))
    if not emergency:
        do(make_client(name_for(morgan)), row, "approve")
    assert make_client(user).get(f"{PAGE}{row.pk}/").status_code == 200
    assert words in UserNotice.objects.get(user=conversation.owner).title
    assert words in make_client(conversation.owner).get("/notices/").content.decode()


def test_owner_is_told_of_an_approval_by_the_requester_alone(morgan: User, conversation: Conversation) -> None:
    client = make_client(name_for(morgan))
    row = do(client, make_request(client, conversation), "approve")
    client.get(f"{PAGE}{row.pk}/")
    assert UserNotice.objects.get().title.endswith("No second member of staff could approve it.")


def test_listing_titles_is_told_apart_from_reading(
    asker: Client, robin: User, ada: User, alice: User, conversation: Conversation
) -> None:
    row = do(make_client(robin), make_request(asker, alice.email), "approve")
    for _ in range(2):
        asker.get(f"{PAGE}{row.pk}/")
    listed = "saw the dates and titles of your conversations."
    assert listed in UserNotice.objects.get(user=alice, seen=None).title
    asker.post(f"{PAGE}{row.pk}/{conversation.pk}/")
    asker.get(f"{PAGE}{row.pk}/")
    assert "“Heliotrope”" in UserNotice.objects.get(user=alice, seen=None).title, "it takes the place of the first"
    page = make_client(alice).get("/notices/").content.decode()
    assert page.count(listed) == 2 and page.count("read your conversation “Heliotrope”") == 1
    log = make_client(ada).get("/review/log/?show=glass").content.decode()
    assert log.count("Titles of conversations listed") == 2 and "Texts" in log


def test_access_that_expired_or_was_ended_reads_nothing(
    asker: Client, robin: User, ada: User, conversation: Conversation, settings: LazySettings
) -> None:
    settings.BREAK_GLASS_MINUTES = 7
    row = do(make_client(robin), make_request(asker, conversation), "approve")
    assert row.opened and row.expires and round((row.expires - row.opened).total_seconds()) == 7 * 60
    BreakGlass.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert asker.get(f"{PAGE}{row.pk}/").status_code == 404, "before any sweep"
    assert jobs.process_due_requests() and kinds()[-1] == "break_glass.expired"
    BreakGlass.objects.update(state="open", expires=timezone.now() + timedelta(minutes=5))
    assert asker.get(f"{PAGE}{row.pk}/").status_code == 200
    assert do(make_client(ada), row, "end").state == "ended", "an administrator ends it, and reads nothing"
    assert asker.get(f"{PAGE}{row.pk}/").status_code == 404 and kinds()[-1] == "break_glass.ended"


def test_a_request_that_nobody_answers_lapses(asker: Client, conversation: Conversation) -> None:
    row = make_request(asker, conversation)
    BreakGlass.objects.update(created=timezone.now() - timedelta(hours=25), mailed=timezone.now())
    assert jobs.process_due_requests() == 1 and kinds() == ["break_glass.requested", "break_glass.lapsed"]
    row.refresh_from_db()
    assert row.state == "ended"


def test_an_emergency_opens_at_once_all_are_told_and_another_one_judges_it(
    asker: Client, robin: User, ada: User, conversation: Conversation
) -> None:
    name_for(ada)
    row = make_request(asker, conversation, emergency="on", ground="life")
    assert row.state == "open" and SAID in asker.get(f"{PAGE}{row.pk}/").content.decode()
    assert jobs.process_due_requests() == 2 and jobs.process_due_requests() == 0
    assert sorted(one.to[0] for one in mail.outbox) == [ada.email, robin.email]
    assert WHY not in mail.outbox[0].body and conversation.owner.email not in mail.outbox[0].body
    assert "1 conversation was opened in an emergency" in make_client(robin).get("/review/").content.decode()
    asker.post(PAGE, sent(conversation, emergency="on"))
    assert BreakGlass.objects.count() == 1, "not another one before somebody has judged it"
    assert do(asker, row, "justified", "I say so.").reviewed is None, "never oneself"
    assert do(make_client(robin), row, "unjustified").reviewed is None, "a judgement says why"
    row = do(make_client(robin), row, "unjustified", "Nobody was in danger.")
    assert (row.justified, row.state, row.approver) == (False, "ended", robin)
    assert asker.get(f"{PAGE}{row.pk}/").status_code == 404 and kinds()[-1] == "break_glass.reviewed"


def test_access_by_person_lists_dates_and_opens_one_conversation(
    asker: Client, robin: User, alice: User, bob: User, conversation: Conversation
) -> None:
    other = Conversation.objects.create(owner=alice, title="Oleander")
    foreign = Conversation.objects.create(owner=bob, title="Bob's")
    row = do(make_client(robin), make_request(asker, alice.email), "approve")
    address = f"{PAGE}{row.pk}/"
    page = asker.get(address).content.decode()
    assert page.index("Oleander") < page.index("Heliotrope"), "the newest first"
    assert SAID not in page and str(conversation.pk) in page and "2 messages" in page
    assert asker.post(f"{address}{foreign.pk}/").status_code == 404
    assert asker.post(f"{address}{conversation.pk}/").status_code == 302 and SAID in asker.get(address).content.decode()
    assert asker.post(f"{address}{other.pk}/").status_code == 404, "for another one they ask again"
    assert kinds().count("read") == 2


@pytest.mark.parametrize("who", ["alice", "charlie", "bob", "reviewer", "demoted"])
def test_break_glass_pages_do_not_exist_for_everybody_else(
    request: pytest.FixtureRequest, asker: Client, robin: User, conversation: Conversation, who: str
) -> None:
    row = do(make_client(robin), make_request(asker, conversation), "approve")
    if who == "demoted":
        client = asker
        User.objects.filter(pk=row.requester_id).update(role=User.Role.MEMBER)
    else:
        client = make_client(
            make_user("rene", User.Role.REVIEWER) if who == "reviewer" else request.getfixturevalue(who)
        )
    for address in (PAGE, f"{PAGE}{row.pk}/"):
        assert client.get(address).status_code == 404
    for address in (PAGE, f"{PAGE}{row.pk}/decide/", f"{PAGE}{row.pk}/{conversation.pk}/"):
        assert client.post(address, sent(conversation, do="end")).status_code == 404
    row.refresh_from_db()
    assert row.state == "open" and BreakGlass.objects.count() == 1


def test_an_administrator_sees_the_list_and_neither_asks_nor_reads(
    asker: Client, ada: User, conversation: Conversation
) -> None:
    row = make_request(asker, conversation)
    client = make_client(ada)
    assert WHY in client.get(PAGE).content.decode() and do(client, row, "approve").state == "asked"
    client.post(PAGE, sent(conversation))
    assert BreakGlass.objects.count() == 1 and client.get(f"{PAGE}{row.pk}/").status_code == 404


def test_a_token_of_a_program_opens_nothing(asker: Client, robin: User, conversation: Conversation) -> None:
    row = do(make_client(robin), make_request(asker, conversation), "approve")
    assert row.requester is not None
    secret = create_token(row.requester, "a token", ["read"], 30)
    answer = Client().get(f"{PAGE}{row.pk}/", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code == 302 and "/accounts/login/" in answer["Location"]
    assert not AuditEntry.objects.filter(kind="read").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": "because"}, "in at least 20 characters"),
        ({"ground": ""}, "Choose the ground"),
        ({"ground": "curiosity"}, "Choose the ground"),
        ({"wanted": "nobody@example.org"}, "No user has"),
        ({"wanted": "01890000-0000-7000-8000-000000000000"}, "does not exist"),
        ({"wanted": "morgan@example.org"}, "not allowed to do this"),
    ],
)
def test_invalid_access_request_is_refused_with_a_reason(
    asker: Client, conversation: Conversation, change: dict[str, str], words: str
) -> None:
    page = asker.post(PAGE, sent(conversation) | change).content.decode()
    assert words in page and (change.get("reason") or WHY) in page and not BreakGlass.objects.exists()


def test_access_form_preselects_no_ground_and_states_the_length(asker: Client) -> None:
    page = asker.get(PAGE).content.decode()
    grounds = page.split("<fieldset")[1].split("</fieldset>")[0]
    assert "or e-\u2060mail address" in page, "no line breaks at this hyphen"
    assert grounds.count('name="ground"') == 4 and "checked" not in grounds and "At least 20 characters." in page


def test_access_request_is_withdrawn_by_its_requester_only(
    asker: Client, robin: User, ada: User, morgan: User, conversation: Conversation, settings: LazySettings
) -> None:
    settings.BREAK_GLASS_MINUTES = 30
    row, other = make_request(asker, conversation), make_client(robin)
    assert "Withdraw request" in asker.get(PAGE).content.decode()
    assert "Withdraw request" not in other.get(PAGE).content.decode()
    assert do(other, row, "end").state == do(make_client(ada), row, "end").state == "asked"
    assert build_navigation(robin, "/").waiting == 1 and build_navigation(morgan, "/").waiting == 0

    def answer(client: Client, what: str) -> str:
        return client.post(f"{PAGE}{row.pk}/decide/", {"do": what}, follow=True).content.decode()

    assert f"Approved: {morgan} may read one conversation for 30 minutes." in answer(other, "approve")
    assert build_navigation(robin, "/").waiting == 0
    assert "End access" in other.get(PAGE).content.decode() and "Access ended." in answer(other, "end")
    BreakGlass.objects.all().delete()
    row = make_request(asker, conversation)
    assert "Request withdrawn." in answer(asker, "end")
    BreakGlass.objects.all().delete()
    row = make_request(asker, conversation)
    assert f"Declined: {morgan} may not read" in answer(other, "refuse")


def test_sole_reviewer_asks_and_judges_and_the_page_says_so(morgan: User, conversation: Conversation) -> None:
    client = make_client(name_for(morgan))
    assert "No other user has emergency permission" in client.get(PAGE).content.decode()
    client.post(PAGE, sent(conversation, emergency="on"))
    row = BreakGlass.objects.get()
    do(client, row, "justified", note="It was one.")
    assert "self-approved" in client.get(PAGE).content.decode()


def test_sealed_or_withheld_messages_are_not_shown_by_break_glass(
    asker: Client, robin: User, conversation: Conversation, morgan: User
) -> None:
    answer = conversation.messages.get(role="assistant")
    outcome = PolicyResult(Action.SEND, "child_exploitation", 4, 0.97)
    cases.flag_content(FlaggedContent("answer", str(answer.pk), "answer", SAID, conversation.owner_id, outcome))
    row = do(make_client(robin), make_request(asker, conversation), "approve")
    page = asker.get(f"{PAGE}{row.pk}/").content.decode()
    assert SAID not in page and "the key" not in page and "Part of a sealed case" in page
    name_for(morgan, special_permissions.SEALED)
    assert SAID in asker.get(f"{PAGE}{row.pk}/").content.decode()
    Message.objects.filter(pk=answer.pk).update(retracted=timezone.now())
    assert SAID not in asker.get(f"{PAGE}{row.pk}/").content.decode()


@pytest.mark.usefixtures("ada")
def test_erasure_ends_it_and_leaves_no_reason(
    asker: Client, robin: User, conversation: Conversation, alice: User
) -> None:
    row = do(make_client(robin), make_request(asker, conversation), "approve")
    data_requests.process_request(str(data_requests.request_erasure(alice).pk))
    row.refresh_from_db()
    assert (row.user, row.conversation, row.reason, row.state) == (None, None, "", "ended")
    assert DataRequest.objects.get().counts["break-glass requests"] == 1
    assert asker.get(f"{PAGE}{row.pk}/").status_code == 404


def test_a_conversation_that_is_gone_is_said(asker: Client, robin: User, conversation: Conversation) -> None:
    row = do(make_client(robin), make_request(asker, conversation), "approve")
    conversation.delete()
    assert "This conversation is no longer available." in asker.get(f"{PAGE}{row.pk}/", follow=True).content.decode()
    assert not AuditEntry.objects.filter(kind="read").exists()


def test_a_mail_server_that_is_away_is_tried_again(
    asker: Client, robin: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = make_request(asker, conversation)

    def away(*args: Any) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "send_mail", away)
        with pytest.raises(OSError):
            jobs.process_due_requests()
    assert jobs.process_due_requests() == 1 and mail.outbox[0].to == [robin.email]
    row.refresh_from_db()
    assert row.mailed
