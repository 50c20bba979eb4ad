"""What is copied while it is withheld comes back with its original, and later answers that found nothing do not repeat
a withheld question in their notice."""

from __future__ import annotations

import pytest

from apps.conversations.attachments import prompt_content, queries
from apps.conversations.models import AnswerTrace, AttachedPicture, Conversation, RetractedMessage
from apps.conversations.moderation import withheld_records
from apps.conversations.turns import trace
from apps.lib.concurrency.threads import in_db
from apps.privacy import data_export
from tests.conversations.attachments.picture_uploads import attached
from tests.conversations.moderation.conftest import ASKED, LATER, SAID
from tests.conversations.moderation.stored_rows import read_conversation
from tests.factories import (
    get_first_answer,
    get_page,
    get_reviewer,
    make_client,
    overturn_decision,
    share_conversation,
    withhold_message,
)

pytestmark = pytest.mark.django_db(transaction=True)


def told(user) -> str:
    return str(list(data_export._archive_parts(user)))


def essence(copy: Conversation) -> dict[str, object]:
    """What a copy holds, without its own keys and times."""
    rows = list(copy.messages.order_by("created"))
    cites = [
        list(row.citations.order_by("pk").values_list("sentence", "start", "end", "source__number")) for row in rows
    ]
    traces = [bytes(one.data) for one in AnswerTrace.objects.filter(answer__in=rows).order_by("answer__created")]
    values = [(row.role, row.status, row.text, row.quotes, row.steps, row.usage, row.reason) for row in rows]
    return {"rows": values, "cites": cites, "traces": [trace.unpack_trace(data) for data in traces]}


@pytest.mark.parametrize("kind", ["answer", "question"])
async def test_copies_and_forks_made_meanwhile_come_back_too(conversation, alice, bob, kind) -> None:
    def fork() -> Conversation:
        known = set(Conversation.objects.values_list("pk", flat=True))
        make_client(alice).post(f"/c/{conversation.pk}/fork/", {"at": ""})
        return Conversation.objects.exclude(pk__in=known).get()

    def shared() -> Conversation:
        known = set(Conversation.objects.values_list("pk", flat=True))
        make_client(bob).post(f"{share_conversation(conversation)}copy/")
        return Conversation.objects.exclude(pk__in=known).get()

    def check() -> None:
        before, whole, copied = read_conversation(conversation), essence(fork()), essence(shared())
        Conversation.objects.exclude(pk=conversation.pk).delete()
        case = withhold_message(get_first_answer(conversation), kind)
        own, theirs = fork(), shared()
        again = fork()
        Conversation.objects.filter(pk=again.pk).update(title="Of the fork")
        make_client(alice).post(f"/c/{own.pk}/fork/", {"at": ""})
        for copy in Conversation.objects.exclude(pk=conversation.pk):
            page = get_page(copy.owner, f"/c/{copy.pk}/")
            assert SAID not in page and (ASKED in page) == (kind == "answer" and ASKED in str(essence(copy)["rows"]))
        assert SAID not in told(alice) + told(bob)
        overturn_decision(case)
        assert read_conversation(conversation) == before and not RetractedMessage.objects.exists()
        assert essence(own) == whole and essence(again) == whole and essence(theirs) == copied
        assert "\x01" not in str([essence(one) for one in Conversation.objects.all()])

    await in_db(check)


async def test_a_copy_that_was_deleted_meanwhile_stands_in_nobody_s_way(conversation, alice) -> None:
    def check() -> None:
        case = withhold_message(get_first_answer(conversation))
        make_client(alice).post(f"/c/{conversation.pk}/fork/", {"at": ""})
        Conversation.objects.exclude(pk=conversation.pk).delete()
        overturn_decision(case)
        assert SAID in get_first_answer(conversation).text

    await in_db(check)


async def test_picture_note_of_a_withheld_question_leaves_later_traces(page, alice, library, chat) -> None:
    row = await in_db(attached, alice, f"Sign: {ASKED}")
    turn = await page.get_answer("What does the sign say?", attached=[str(row.pk)])
    await page.get_answer(LATER, conversation=str(turn.conversation_id))
    (note,) = prompt_content.write_prompt_notes(await in_db(queries.reload_pictures, [row.pk]), sees=False)

    def check() -> None:
        get_reviewer("ada")
        conversation = Conversation.objects.get(pk=turn.conversation_id)
        later = AnswerTrace.objects.filter(answer__conversation=conversation).latest("answer__created")
        whole = bytes(later.data)
        assert note in str(trace.unpack_trace(whole)) and not withheld_records.is_withheld(conversation.pk)
        case = withhold_message(get_first_answer(conversation), "question")
        later.refresh_from_db()
        assert ASKED not in get_page(alice, f"/answers/{later.answer_id}/behind/")
        overturn_decision(case)
        later.refresh_from_db()
        assert bytes(later.data) == whole and AttachedPicture.objects.exists()

    await in_db(check)
