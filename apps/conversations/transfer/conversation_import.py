"""Import one conversation of a file: judge its messages, and store all of it with its line of the report, or nothing.

Entry point: `import_conversation`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.conversations.core.picture_request import make_title
from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.history.folders import get_or_create_folder
from apps.conversations.history.tags import clean_tags
from apps.conversations.models import Conversation, Message
from apps.conversations.models.import_job import ImportItem, ImportJob
from apps.conversations.moderation import message_cases
from apps.lib.ids import new_id
from apps.lib.text import message_templates
from apps.safety.gate import gate
from apps.safety.policy import versions
from apps.safety.policy.verdicts import Verdict, strictest_verdict
from apps.users.models import User

_PART = gate.QUESTION_CHARACTERS
_STEP = timedelta(milliseconds=1)  # distance of a message from its parent: siblings are ordered by time
_BATCH = 500
_NO_ANSWER = "The file contained no answer to this question."
_OWN = "Openbook"
State = ImportItem.State


class ModerationUnavailable(Exception):
    """Raised if the gate cannot judge at the moment; the import is retried later."""


def import_conversation(row: ImportJob, position: int, item: dict[str, Any], hold: Callable[[], None]) -> None:
    """Judge and store one item of the file with its line of the report, in one transaction.

    Conversations imported before are not stored twice; deleted ones are restored. Withheld answers are stored as
    withheld, with a case. Raise ModerationUnavailable, and what `hold` raises if the lease is lost; nothing is stored
    then.
    """
    skipped, chat = item.get("skipped"), item.get("chat")
    line = ImportItem(job=row, position=position, state=State.SKIPPED)
    if chat is None:
        line.title, line.note = skipped["title"][:120], skipped["why"][:400]  # type: ignore[index]
        line.save()
        return
    line.title = chat["title"] or make_title(chat["rows"][0]["text"])
    if (known := _find_imported(row.owner, chat)) is not None:
        brought_back = Conversation.objects.filter(pk=known.pk, deleted__isnull=False).update(deleted=None)
        line.state, line.conversation = State.KNOWN, known
        line.note = "It had been deleted and was restored." if brought_back else ""
        line.save()
        return
    versions.load_fresh_policy()
    verdicts = asyncio.run(_judge_texts(chat["rows"]))
    hold()
    with transaction.atomic():
        line.conversation, withheld = _store(row.owner, chat, line.title, verdicts)
        line.state, line.note = State.IMPORTED, _describe_left_out(chat["left"], withheld)
        line.save()


def _find_imported(user: User, chat: dict[str, Any]) -> Conversation | None:
    """Return the conversation that an earlier import of this one made, or that its file was exported from; else
    None.
    """
    rows = Conversation.objects.owned_by(user)
    found = rows.filter(imported_key=chat["key"]).first()
    if found is None and chat["source"] == _OWN and (first := parse_id_or_none(chat["first"])):
        found = rows.filter(messages__id=first, deleted__isnull=True).first()
    return found


async def _judge_texts(rows: list[dict[str, Any]]) -> list[Verdict]:
    """Return the strictest verdict on the parts of each row. Raise ModerationUnavailable."""
    found: list[Verdict] = []
    for row in rows:
        verdicts = []
        for part in _split_text(row["text"]):
            asked = row["role"] == "user"
            one = await (gate.check_question(part) if asked else gate.check_sentence(part))
            if one.code == "check_unavailable":
                raise ModerationUnavailable(one.message)
            verdicts.append(one)
        found.append(strictest_verdict(verdicts))
    return found


def _split_text(text: str) -> Iterator[str]:
    for at in range(0, len(text), _PART):
        if part := text[at : at + _PART].strip():
            yield part


def _store(user: User, chat: dict[str, Any], name: str, verdicts: list[Verdict]) -> tuple[Conversation, int]:
    """Store the conversation; return it and the number of withheld answers. Call inside a transaction."""
    now = timezone.now()
    new = Conversation.objects.create(
        owner=user, title=name[:120], title_origin=Conversation.TitleOrigin.PERSON, imported_from=chat["source"],
        imported_key=chat["key"], pinned=now if chat["pinned"] else None, archived=now if chat["archived"] else None,
        tags=clean_tags(chat["tags"]),
        folder=None if chat["source"] == _OWN else get_or_create_folder(user, chat["source"]),
    )  # fmt: skip
    rows = _make_rows(new, chat, verdicts)
    messages = [message for message, _ in rows]
    times = {message.pk: message.created for message in messages}
    Message.objects.bulk_create(messages, batch_size=_BATCH)
    for message in messages:  # the original times, which `bulk_create` overwrites
        message.created = times[message.pk]
    Message.objects.bulk_update(messages, ["created"], batch_size=_BATCH)
    Conversation.objects.filter(pk=new.pk).update(created=min(times.values()), seen=timezone.now())
    for message, said in rows:
        for verdict in said:
            message_cases.open_case(message.pk, user.pk, verdict.evaluation)
    return new, sum(message.status == Message.Status.WITHHELD for message in messages)


def _make_rows(
    new: Conversation, chat: dict[str, Any], verdicts: list[Verdict]
) -> list[tuple[Message, tuple[Verdict, ...]]]:
    """Return the messages, parents first, each answer with the verdicts on itself and its question.

    A question without an answer gets an empty, interrupted one, so that the user can retry it.
    """
    now = timezone.now()
    made: list[tuple[Message, tuple[Verdict, ...]]] = []
    messages: list[Message] = []
    taken: dict[datetime, datetime] = {}
    answered = {row["parent"] for row in chat["rows"] if row["role"] == "assistant"}
    for number, row in enumerate(chat["rows"]):
        above = messages[row["parent"]] if row["parent"] is not None else None
        answers = row["role"] == "assistant"
        earliest = above.created + _STEP if above else _parse_moment(chat["at"], now)
        created = _choose_free_moment(max(earliest, _parse_moment(row["at"], earliest)), taken)
        message = Message(
            id=new_id(), conversation=new, parent=above, role=row["role"], asked_by=new.owner, text=row["text"],
            model=row["model"], created=created, chosen=now if row["on"] else None,
            without_documents=answers, status=row["status"] if answers else "complete",
        )  # fmt: skip
        messages.append(message)
        if answers:
            asked = (verdicts[row["parent"]],) if row["parent"] is not None else ()
            made.append(_judge_answer(message, (verdicts[number], *asked)))
        else:
            made.append((message, ()))
            if number not in answered:
                made.append(_judge_answer(_unanswered(message, taken), (verdicts[number],)))
    return made


def _judge_answer(answer: Message, verdicts: tuple[Verdict, ...]) -> tuple[Message, tuple[Verdict, ...]]:
    """Withhold the answer if it or its question is not allowed; then only that verdict is returned."""
    said = strictest_verdict(verdicts)
    if not said.allowed:
        answer.status, answer.text, answer.reason = Message.Status.WITHHELD, "", said.message[:400]
        verdicts = (said,)
    answer.ended = answer.created
    return answer, verdicts


def _choose_free_moment(moment: datetime, taken: dict[datetime, datetime]) -> datetime:
    """Return the moment, or the next one that no other message has, so that siblings with equal times keep their order.

    `taken` maps a moment to the end of the taken stretch behind it. Passed entries are updated, so stretches are not
    walked again.
    """
    free, passed = moment, list[datetime]()
    while free in taken:
        passed.append(free)
        free = taken[free] + _STEP
    taken.update(dict.fromkeys((*passed, free), free))
    return free


def _unanswered(question: Message, taken: dict[datetime, datetime]) -> Message:
    return Message(
        id=new_id(), conversation=question.conversation, parent=question, role="assistant", asked_by=question.asked_by,
        status=Message.Status.INTERRUPTED, reason=_NO_ANSWER,
        created=_choose_free_moment(question.created + _STEP, taken),
    )  # fmt: skip


def _parse_moment(seconds: float | None, default: datetime) -> datetime:
    """Return the time of these seconds since 1970, at most now; `default` if it is missing or out of range."""
    if seconds is None:
        return default
    try:
        return min(datetime.fromtimestamp(seconds, UTC), timezone.now())
    except (OverflowError, OSError, ValueError):
        return default


def _describe_left_out(left_out: dict[str, int], withheld: int) -> str:
    """Return what was left out, one sentence per line; each is translated when shown."""
    said = [(message_templates.NOT_IN_FILE, sum(left_out.values())), (message_templates.ANSWERS_WITHHELD, withheld)]
    return "\n".join(sentence % {"count": count} for sentence, count in said if count)
