"""The verbs of a link: turn it on and off, read by it, go on from it. Readers are people of this site, signed in.

The answers are shown to whoever has the link; a passage only to who may read its document, asked for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from copy import copy as shallow
from datetime import timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from django import forms
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from apps.conversations.attachments import queries
from apps.conversations.attachments.queries import AttachedPictureView
from apps.conversations.core import picture_request
from apps.conversations.core.message_tree import Exchange, find_path
from apps.conversations.disclosure import outbound_check
from apps.conversations.errors import RequestRefused
from apps.conversations.evidence.answer_sources import load_answer_sources
from apps.conversations.grounding.citer import SentenceCitation
from apps.conversations.history import branching, trace_view, transcript
from apps.conversations.image_chat import tiles as tiled
from apps.conversations.image_chat.tiles import Tile
from apps.conversations.models import Assistant, Citation, Conversation, Message, Retrieved, Share
from apps.conversations.models.attachment import AttachedPicture, Attachment
from apps.conversations.models.share import generate_secret
from apps.conversations.rendering import answer_renderer
from apps.conversations.turns import titles
from apps.conversations.turns.small_talk.recognition import recognise_small_talk
from apps.documents.models import Collection
from apps.images.models import Picture
from apps.lib import websocket_push
from apps.safety.policy.schema import Stage
from apps.users.models import User

Sources = Share.Sources
_PICTURES = 100  # of a link that its open page hears of
_NOT_SHOWN = {"html": "", "text": "", "attached": (), "hidden": True}
_DAYS = [
    ("", gettext_lazy("Never")),
    ("1", gettext_lazy("After a day")),
    ("7", gettext_lazy("After a week")),
    ("30", gettext_lazy("After 30 days")),
]


class ShareLinkForm(forms.Form):
    sources = forms.ChoiceField(label=gettext_lazy("What readers see of the sources"), choices=Sources.choices)
    days = forms.ChoiceField(label=gettext_lazy("The link ends"), choices=_DAYS, required=False)


def enable_link(place: Conversation, at: UUID | None, sources: str, days: str) -> Share | None:
    """The link shows the path down to that answer, or to the last one; a new link where it had been off. None where
    there is no answer to show."""
    way = _answered(find_path(place.messages.all(), at))
    last = next((item.answer for item in way if item.answer and item.answer.pk == at), way[-1].answer if way else None)
    if last is None:
        return None
    expires = timezone.now() + timedelta(days=int(days)) if days else None
    with transaction.atomic():
        row, made = Share.objects.select_for_update().get_or_create(conversation=place, defaults={"until": last})
        if not made and (not row.on or row.expired):
            row.secret = generate_secret()  # who had the old one was meant to lose it
        row.on, row.until, row.sources, row.expires = True, last, sources, expires
        row.save()
    return row


def disable_link(place: Conversation) -> None:
    """From this moment the link shows nothing, and it never does again."""
    Share.objects.filter(conversation=place).update(on=False)


def get_open_link(secret: str) -> Share:
    """Raises Http404: off, ended, deleted and unknown look the same."""
    row = Share.objects.open().filter(secret=secret).select_related("conversation__owner").first()
    if row is None:
        raise Http404
    return row


def get_subscribed_groups(secret: object) -> list[str]:
    """The groups of pages that are told what becomes of what the link shows: of itself and of its pictures. Raises
    Refused."""
    known = isinstance(secret, str) and "\0" not in secret  # which no database takes
    row = Share.objects.open().filter(secret=secret).select_related("conversation").first() if known else None
    if row is None:
        raise RequestRefused(gettext("This link shows nothing any more. Reload the page."))
    exchanges = load_visible_path(row)
    tiles = _drawn([item.answer for item in exchanges if item.answer]).values()
    asked = queries.load_by_question(item.question.pk for item in exchanges).values()
    drawn = [tile.row.pk for some in tiles for tile in some]
    pictures = [*drawn, *(one.id for some in asked for one in some)][:_PICTURES]
    return [websocket_push.get_link_channel(row.pk), *map(websocket_push.get_picture_channel, pictures)]


def load_visible_path(row: Share, only: Set[UUID] | None = None) -> list[Exchange]:
    """Return the exchanges that the link shows, without what the gate holds back at this stage.

    With `only` just those of these questions and answers: the others are not judged again.
    """
    found = _answered(find_path(row.conversation.messages.all(), row.until_id))
    until = next((n for n, item in enumerate(found, 1) if item.answer and item.answer.pk == row.until_id), 0)
    shown = found[:until]
    if only is not None:
        shown = [item for item in shown if item.question.pk in only or (item.answer and item.answer.pk in only)]
    back = outbound_check.check_exchanges(Stage.SHARE, row.conversation.owner_id, shown)
    for item in shown if back else []:
        for message in (item.question, item.answer):
            if message is not None:
                outbound_check.blank_message(message, back)
    return shown


def build_shared_turns(user: User, row: Share, exchanges: list[Exchange]) -> list[dict[str, Any]]:
    """The turns of its `way` as the template takes them, for this reader. Names of collections are in none of it."""
    answers = [item.answer for item in exchanges if item.answer]
    drawn, attached = _drawn(answers), _asked(exchanges)
    kept_back = {item.answer.pk for item in exchanges if item.answer and is_question_hidden(item)}
    if row.sources == Sources.PASSAGES:
        turns = [
            turn | {"drawn": drawn.get(turn["answer"]["id"], [])} for turn in transcript.build_turns(user, exchanges)
        ]
        for turn in turns:
            turn["question"]["attached"] = attached.get(turn["question"]["id"], ())
        return [turn | {"question": _NOT_SHOWN} if turn["answer"]["id"] in kept_back else turn for turn in turns]
    # Titles are those that the owner may still read: what is named was theirs to name.
    cites = transcript.load_citations(answers)
    titles = load_answer_sources(row.conversation.owner, answers) if row.sources == Sources.TITLES else {}
    return [
        {
            "question": _NOT_SHOWN
            if item.answer.pk in kept_back
            else {
                "html": SafeString(answer_renderer.render_question(item.question.text)),
                "text": item.question.text,
                "attached": attached.get(item.question.pk, ()),
            },
            "answer": _bare(item.answer, cites.get(item.answer.pk, []))
            | {"titles": _titles(titles.get(item.answer.pk))},
            "drawn": drawn.get(item.answer.pk, []),
        }
        for item in exchanges
        if item.answer
    ]


def is_question_hidden(item: Exchange) -> bool:
    """Whether a link keeps the question back: a reviewer withheld it, or it was not let through. Who asked it may read
    their own words; others are shown none of them. Of answers that were closed before it was noted which of the two was
    withheld, both count as it."""
    answer = item.answer
    if item.question.retracted or answer is None or answer.retracted:
        return bool(item.question.retracted)
    vain = answer.status == Message.Status.WITHHELD and not answer.text
    return vain and answer.usage.get("withheld", Stage.QUESTION) == Stage.QUESTION


def get_link_title(row: Share, exchanges: list[Exchange]) -> str:
    """What the link is headed with, whose `way` these are: "" where the conversation is named after a question that it
    keeps back, or by the model also after an answer, or where the gate holds its title. A model's title that says
    something else than the question gives way to the question's first words."""
    place, first = row.conversation, exchanges[: 1 + sum(1 for _ in takewhile(_is_small_talk, exchanges))]
    named = place.titled == Conversation.Titled.PERSON or not any(is_question_hidden(item) for item in first)
    if place.titled == Conversation.Titled.MODEL:
        named = named and not any(item.answer and item.answer.retracted for item in first)
        question = first[-1].question.text if first else ""
        if not titles.parse_title(place.title, question):
            place = shallow(place)
            place.title = picture_request.make_title(question)
    return outbound_check.check_title(Stage.SHARE, place) if named else ""


def _is_small_talk(item: Exchange) -> bool:
    return recognise_small_talk(item.question.text) is not None


def get_shared_answer(answer: UUID, number: int) -> Message | None:
    """The answer, where a link shows it with this passage. Whether the passage opens is the reader's own right."""
    row = Message.objects.filter(pk=answer, conversation__share__isnull=False).select_related("parent").first()
    if row is None:
        return None
    share = Share.objects.open().filter(conversation=row.conversation_id, sources=Sources.PASSAGES).first()
    if share is None or not load_visible_path(share, {answer}):
        return None
    given = Retrieved.objects.filter(answer=row, source__number=number).exists()
    return row if given or Citation.objects.filter(answer=row, source__number=number).exists() else None


def load_shared_trace(user: User, row: Share, pk: UUID) -> dict[str, Any] | None:
    """What lies behind an answer that the link shows with its question, as far as it shows what that stands on. Raises
    Http404."""
    shown = load_visible_path(row)
    found = next((item for item in shown if item.answer and item.answer.pk == pk), None)
    if found is None or found.answer is None or found.answer.retracted or is_question_hidden(found):
        raise Http404
    asked = not any(is_question_hidden(item) or (item.answer and item.answer.retracted) for item in shown)
    return trace_view.build_shared_trace_view(user, found.answer, passages=row.sources == Sources.PASSAGES, asked=asked)


def get_shared_picture(row: Share, pk: UUID) -> Picture:
    """A finished picture that the link shows. Raises Http404."""
    holders = set(Message.pictures.through.objects.filter(picture=pk).values_list("message", flat=True))
    answers = [item.answer for item in load_visible_path(row, holders) if item.answer]
    drawn = {
        answer: [tile for tile in tiles if tile.row.pk == pk] for answer, tiles in tiled.load_tiles(answers).items()
    }
    found = next((tile.row for tiles in _ready(drawn).values() for tile in tiles if not tile.back), None)
    if found is None:
        raise Http404
    return found


def get_shared_attachment(row: Share, pk: UUID) -> AttachedPicture:
    """A picture of a question that the link shows. Raises Http404."""
    holders = set(Attachment.objects.filter(picture=pk).values_list("question", flat=True))
    questions = [item.question.pk for item in load_visible_path(row, holders) if not is_question_hidden(item)]
    ready = AttachedPicture.objects.exclude(status=AttachedPicture.Status.HELD)
    found = ready.filter(pk=pk, attachments__question__in=questions).first()
    if found is None or all(
        one.held for one in outbound_check.check_attachments(Stage.SHARE, {pk: queries.reload_pictures([pk])})[pk]
    ):
        raise Http404
    return found


def _asked(exchanges: list[Exchange]) -> dict[UUID, tuple[AttachedPictureView, ...]]:
    return outbound_check.check_attachments(
        Stage.SHARE, queries.load_by_question(item.question.pk for item in exchanges)
    )


def _drawn(answers: list[Message]) -> dict[UUID, list[Tile]]:
    return _ready(tiled.load_tiles(answers))


def _ready(drawn: Mapping[UUID, Sequence[Tile]]) -> dict[UUID, list[Tile]]:
    ready = Picture.Status.READY
    rows = {pk: [tile for tile in tiles if tile.row.status == ready] for pk, tiles in drawn.items()}
    return outbound_check.check_pictures(Stage.SHARE, rows)


def copy_conversation(user: User, row: Share) -> Conversation:
    """A conversation of this reader's own begins with what the link shows. What it searches is what they may read."""
    place = row.conversation
    seen = Collection.objects.visible_to(user).filter(pk__in=place.collections.values("pk"))
    wanted = place.assistant_id
    assistant = Assistant.objects.visible_to(user).filter(pk=wanted).first() if wanted else None
    words, exchanges = gettext("%(title)s (copy)"), load_visible_path(row)
    named, before = get_link_title(row, exchanges), place.title
    with transaction.atomic():
        branching.lock_and_reload(place, exchanges)
        if not named or place.title != before:
            named = gettext("Shared conversation")
        for item in exchanges:
            if is_question_hidden(item) and item.answer and not item.question.retracted:
                item.question.text, item.question.status = "", Message.Status.WITHHELD
                item.question.reason, item.question.retracted = item.answer.reason, item.answer.ended or timezone.now()
        new = Conversation.objects.create(
            owner=user,
            assistant=assistant,
            title=words % {"title": named[: branching.MAX_TITLE_CHARACTERS - len(words % {"title": ""})]},
            titled=place.titled,
            narrow=place.narrow and seen.exists(),
        )
        new.collections.set(seen)
        branching.copy_exchanges(new, exchanges, with_sources=row.sources == Sources.PASSAGES)
    return new


def _answered(exchanges: list[Exchange]) -> list[Exchange]:
    return [item for item in exchanges if item.answer and item.answer.status != Message.Status.WRITING]


def _bare(answer: Message, cites: list[SentenceCitation]) -> dict[str, Any]:
    """An answer without what it stands on."""
    html = transcript.render_stored_answer(answer, cites, bare=True)
    return {
        "id": answer.pk, "html": SafeString(html), "status": answer.status,
        "unchecked": answer.unchecked and bool(answer.text),
        "status_words": answer.get_status_display(), "reason": answer.reason, "model": answer.model,
        "retracted": answer.retracted,
        "nothing_found": answer.nothing_found,
    }  # fmt: skip


def _titles(shelf: Any) -> list[str]:
    if shelf is None:
        return []
    return list(dict.fromkeys(item.title for item in shelf.shown if item.number in shelf.used and not item.gone))
