"""Shared links of conversations: enable, disable, read and copy. Readers are signed-in users of the site.

Answers are shown to every reader; a passage is shown only to readers who may read its document, checked for each. The
gate may withhold parts at the stage SHARE.

Entry points: `enable_link`, `disable_link`, `get_open_link`, `load_visible_path`, `build_shared_turns`,
`copy_conversation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from copy import copy as shallow
from dataclasses import dataclass
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
from apps.conversations.core import picture_request
from apps.conversations.core.message_tree import Exchange, find_path
from apps.conversations.disclosure import outbound_check
from apps.conversations.errors import RequestRefused
from apps.conversations.evidence.answer_sources import AnswerSources, load_answer_sources
from apps.conversations.history import branching, trace_view, transcript
from apps.conversations.image_chat import tiles as tiled
from apps.conversations.image_chat.tiles import Tile
from apps.conversations.models import Assistant, Citation, Conversation, Message, RetrievedPassage, Share
from apps.conversations.models.attachment import AttachedPicture, Attachment
from apps.conversations.models.share import generate_secret
from apps.conversations.rendering import answer_renderer
from apps.conversations.turns import titles
from apps.conversations.turns.small_talk.recognition import recognise_small_talk
from apps.documents.models import Collection
from apps.grounding.citer import SentenceCitation
from apps.images.models import Picture
from apps.lib import websocket_push
from apps.lib.db.permissions import require_row
from apps.safety.errors import ActionRefused
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.safety.policy.schema import Stage
from apps.users.models import User

Sources = Share.Sources
_PICTURES = 100  # pictures of a link whose changes an open page is told
_NOT_SHOWN = {"html": "", "text": "", "attached": (), "hidden": True}
_DAYS = [
    ("", gettext_lazy("Never")),
    ("1", gettext_lazy("After a day")),
    ("7", gettext_lazy("After a week")),
    ("30", gettext_lazy("After 30 days")),
]


class ShareLinkForm(forms.Form):
    """Form of the owner for a shared link."""

    sources = forms.ChoiceField(
        label=gettext_lazy("Sources shown to readers"),
        choices=Sources.choices,
        widget=forms.RadioSelect,  # the panel is too narrow for a select with such long choices
    )
    days = forms.ChoiceField(label=gettext_lazy("Link expires"), choices=_DAYS, required=False)


def enable_link(user: User, conversation: Conversation, through: UUID | None, sources: str, days: str) -> Share | None:
    """Share the path down to the answer `through`, or to the last one, in one transaction; return the link.

    A disabled or expired link gets a new secret, since holders of the old one were meant to lose access. `days` is ""
    for no end. None if there is no finished answer. Raise PermissionDenied if the conversation is
    not the user's, and ActionRefused if their sharing is restricted.
    """
    require_row(Conversation.objects.visible_to(user), conversation.pk)
    if words := restriction_message(user, Feature.SHARING):
        raise ActionRefused(words)
    path = _filter_answered(find_path(conversation.messages.all(), through))
    last = next(
        (item.answer for item in path if item.answer and item.answer.pk == through), path[-1].answer if path else None
    )
    if last is None:
        return None
    expires = timezone.now() + timedelta(days=int(days)) if days else None
    with transaction.atomic():
        row, made = Share.objects.select_for_update().get_or_create(
            conversation=conversation, defaults={"last_message": last}
        )
        if not made and (not row.enabled or row.expired):
            row.secret = generate_secret()  # holders of the old one were meant to lose access
        row.enabled, row.last_message, row.sources, row.expires = True, last, sources, expires
        row.save()
    return row


def disable_link(user: User, conversation: Conversation) -> None:
    """Disable the link at once; its secret never works again. Raise PermissionDenied if it is not the user's."""
    require_row(Conversation.objects.visible_to(user), conversation.pk)
    Share.objects.filter(conversation=conversation).update(enabled=False)


def get_open_link(secret: str) -> Share:
    """Return the open link. Raise Http404 if it is disabled, expired, deleted or unknown; these look the same."""
    row = Share.objects.open().filter(secret=secret).select_related("conversation__owner").first()
    if row is None:
        raise Http404
    return row


def get_subscribed_groups(secret: object) -> list[str]:
    """Return the channel groups of a page that shows the link: of the link and of its pictures. For `in_db`.

    Raise RequestRefused if the link is not open.
    """
    known = isinstance(secret, str) and "\0" not in secret  # PostgreSQL takes no NUL characters
    row = Share.objects.open().filter(secret=secret).select_related("conversation").first() if known else None
    if row is None:
        raise RequestRefused(gettext("This link no longer works. Reload the page."))
    exchanges = load_visible_path(row)
    tiles = _load_tiles([item.answer for item in exchanges if item.answer]).values()
    asked = queries.load_by_question(item.question.pk for item in exchanges).values()
    drawn = [tile.row.pk for some in tiles for tile in some]
    pictures = [*drawn, *(one.id for some in asked for one in some)][:_PICTURES]
    return [websocket_push.get_link_channel(row.pk), *map(websocket_push.get_picture_channel, pictures)]


def load_visible_path(row: Share, only: Set[UUID] | None = None) -> list[Exchange]:
    """Return the exchanges that the link shows, with parts blanked that the gate withholds at this stage.

    With `only`, return and judge only exchanges with these message ids.
    """
    found = _filter_answered(find_path(row.conversation.messages.all(), row.last_message_id))
    until = next((n for n, item in enumerate(found, 1) if item.answer and item.answer.pk == row.last_message_id), 0)
    shown = found[:until]
    if only is not None:
        shown = [item for item in shown if item.question.pk in only or (item.answer and item.answer.pk in only)]
    reasons = outbound_check.check_exchanges(Stage.SHARE, row.conversation.owner_id, shown)
    for item in shown if reasons else []:
        for message in (item.question, item.answer):
            if message is not None:
                outbound_check.blank_message(message, reasons)
    return shown


def build_shared_turns(user: User, row: Share, exchanges: list[Exchange]) -> list[dict[str, Any]]:
    """Return the exchanges for the template, as this reader may see them. Names of collections are left out."""
    answers = [item.answer for item in exchanges if item.answer]
    drawn, attached = _load_tiles(answers), queries.load_by_question(item.question.pk for item in exchanges)
    attached = outbound_check.check_attachments(Stage.SHARE, attached)
    hidden_questions = {item.answer.pk for item in exchanges if item.answer and is_question_hidden(item)}
    if row.sources == Sources.PASSAGES:
        turns = [
            turn | {"drawn": drawn.get(turn["answer"]["id"], [])} for turn in transcript.build_turns(user, exchanges)
        ]
        for turn in turns:
            turn["question"]["attached"] = attached.get(turn["question"]["id"], ())
        return [turn | {"question": _NOT_SHOWN} if turn["answer"]["id"] in hidden_questions else turn for turn in turns]
    # Only titles of documents that the owner may still read are shown.
    citations = transcript.load_citations(answers)
    titles = load_answer_sources(row.conversation.owner, answers) if row.sources == Sources.TITLES else {}
    return [
        {
            "question": _NOT_SHOWN
            if item.answer.pk in hidden_questions
            else {
                "html": SafeString(answer_renderer.render_question(item.question.text)),
                "text": item.question.text,
                "attached": attached.get(item.question.pk, ()),
            },
            "answer": _build_bare_answer(item.answer, citations.get(item.answer.pk, []))
            | {"titles": _list_titles(titles.get(item.answer.pk))},
            "drawn": drawn.get(item.answer.pk, []),
        }
        for item in exchanges
        if item.answer
    ]


def is_question_hidden(item: Exchange) -> bool:
    """Return whether a link hides the question: a reviewer retracted it, or the gate withheld it.

    The owner may read their own question; others see nothing of it. Older answers do not record whether question or
    answer was withheld; they count as a hidden question.
    """
    answer = item.answer
    if item.question.retracted or answer is None or answer.retracted:
        return bool(item.question.retracted)
    withheld_whole = answer.status == Message.Status.WITHHELD and not answer.text
    return withheld_whole and answer.usage.get("withheld", Stage.QUESTION) == Stage.QUESTION


def get_link_title(row: Share, exchanges: list[Exchange]) -> str:
    """Return the title of the shared page; "" if a hidden question or retracted answer gave it, or the gate withholds
    it.

    A title by the model that does not match the visible question is replaced by the first words of that question.
    """
    conversation, first = row.conversation, exchanges[: 1 + sum(1 for _ in takewhile(_is_small_talk, exchanges))]
    named = conversation.title_origin == Conversation.TitleOrigin.PERSON or not any(
        is_question_hidden(item) for item in first
    )
    if conversation.title_origin == Conversation.TitleOrigin.MODEL:
        named = named and not any(item.answer and item.answer.retracted for item in first)
        question = first[-1].question.text if first else ""
        if not titles.parse_title(conversation.title, question):
            conversation = shallow(conversation)
            conversation.title = picture_request.make_title(question)
    return outbound_check.check_title(Stage.SHARE, conversation) if named else ""


def _is_small_talk(item: Exchange) -> bool:
    return recognise_small_talk(item.question.text) is not None


def get_shared_answer(answer: UUID, number: int) -> Message | None:
    """Return the answer if a link shows it with this passage; else None.

    The caller checks whether the reader may read the passage itself.
    """
    row = Message.objects.filter(pk=answer, conversation__share__isnull=False).select_related("parent").first()
    if row is None:
        return None
    share = Share.objects.open().filter(conversation=row.conversation_id, sources=Sources.PASSAGES).first()
    if share is None or not load_visible_path(share, {answer}):
        return None
    given = RetrievedPassage.objects.filter(answer=row, source__number=number).exists()
    return row if given or Citation.objects.filter(answer=row, source__number=number).exists() else None


def load_shared_trace(user: User, row: Share, pk: UUID) -> dict[str, Any] | None:
    """Return the trace of an answer as a reader of the link may see it; None if none is recorded.

    Raise Http404 unless the link shows the answer with its question.
    """
    shown = load_visible_path(row)
    found = next((item for item in shown if item.answer and item.answer.pk == pk), None)
    if found is None or found.answer is None or found.answer.retracted or is_question_hidden(found):
        raise Http404
    asked = not any(is_question_hidden(item) or (item.answer and item.answer.retracted) for item in shown)
    return trace_view.build_shared_trace_view(user, found.answer, passages=row.sources == Sources.PASSAGES, asked=asked)


def get_shared_picture(row: Share, pk: UUID) -> Picture:
    """Return a finished picture that the link shows. Raise Http404."""
    holders = set(Message.pictures.through.objects.filter(picture=pk).values_list("message", flat=True))
    answers = [item.answer for item in load_visible_path(row, holders) if item.answer]
    drawn = {
        answer: [tile for tile in tiles if tile.row.pk == pk] for answer, tiles in tiled.load_tiles(answers).items()
    }
    found = next(
        (tile.row for tiles in _filter_ready(drawn).values() for tile in tiles if not tile.withhold_reason), None
    )
    if found is None:
        raise Http404
    return found


def get_shared_attachment(row: Share, pk: UUID) -> AttachedPicture:
    """Return an attached picture of a question that the link shows. Raise Http404."""
    holders = set(Attachment.objects.filter(picture=pk).values_list("question", flat=True))
    questions = [item.question.pk for item in load_visible_path(row, holders) if not is_question_hidden(item)]
    ready = AttachedPicture.objects.exclude(status=AttachedPicture.Status.HELD)
    found = ready.filter(pk=pk, attachments__question__in=questions).first()
    if found is None or all(
        one.held for one in outbound_check.check_attachments(Stage.SHARE, {pk: queries.reload_pictures([pk])})[pk]
    ):
        raise Http404
    return found


def _load_tiles(answers: list[Message]) -> dict[UUID, list[Tile]]:
    return _filter_ready(tiled.load_tiles(answers))


def _filter_ready(drawn: Mapping[UUID, Sequence[Tile]]) -> dict[UUID, list[Tile]]:
    ready = Picture.Status.READY
    rows = {pk: [tile for tile in tiles if tile.row.status == ready] for pk, tiles in drawn.items()}
    return outbound_check.check_pictures(Stage.SHARE, rows)


@dataclass(frozen=True, slots=True)
class ShownLink:
    """Link with what it shows now. `stored_title` is the title that the conversation had then."""

    row: Share
    exchanges: list[Exchange]
    title: str
    stored_title: str


def load_shown_link(row: Share) -> ShownLink:
    """Return what the link shows. Runs the checks of the gate, so call it outside of transactions."""
    exchanges = load_visible_path(row)
    return ShownLink(row, exchanges, get_link_title(row, exchanges), row.conversation.title)


def copy_conversation(user: User, row: Share) -> Conversation:
    """Copy the conversation as the link shows it for the reader, in one transaction; return the new conversation.

    It searches those of the collections that the reader may read. Hidden questions are copied as withheld.
    """
    shown = load_shown_link(row)
    with transaction.atomic():
        with_sources = row.sources == Sources.PASSAGES
        return _copy_shown(user, shown, gettext("%(title)s (copy)"), with_sources=with_sources)


def load_links_of(user: User) -> list[ShownLink]:
    """Return the user's valid links that show something. Call it outside of transactions."""
    rows = Share.objects.valid().filter(conversation__owner=user).select_related("conversation__owner")
    return [shown for shown in map(load_shown_link, rows) if shown.exchanges]


def transfer_links(links: Sequence[ShownLink], to: User) -> None:
    """Point each link to a copy of what it shows, which `to` owns. Addresses and ends of the links stay.

    `to` gets nothing that the link did not show; pictures are left out, as of every copy. Checks no permission: an
    administrator lets a user go. Must run inside a transaction.
    """
    for shown in links:
        copy = _copy_shown(to, shown, "%(title)s", with_sources=shown.row.sources != Sources.NONE)
        last = shown.exchanges[-1].answer  # that of the copy now
        Share.objects.filter(pk=shown.row.pk).update(conversation=copy, last_message=last, changed=timezone.now())


def _copy_shown(user: User, shown: ShownLink, title_format: str, *, with_sources: bool) -> Conversation:
    """Copy what the link shows for the user, and return the new conversation. Must run inside a transaction.

    The messages of `shown.exchanges` become those of the copy.
    """
    conversation, exchanges, named = shown.row.conversation, shown.exchanges, shown.title
    seen = Collection.objects.visible_to(user).filter(pk__in=conversation.collections.values("pk"))
    wanted = conversation.assistant_id
    assistant = Assistant.objects.visible_to(user).filter(pk=wanted).first() if wanted else None
    branching.lock_and_reload(conversation, exchanges)
    if not named or conversation.title != shown.stored_title:
        named = gettext("Shared conversation")
    for item in exchanges:
        if is_question_hidden(item) and item.answer and not item.question.retracted:
            item.question.text, item.question.status = "", Message.Status.WITHHELD
            item.question.reason, item.question.retracted = item.answer.reason, item.answer.ended or timezone.now()
    new = Conversation.objects.create(
        owner=user,
        assistant=assistant,
        title=title_format % {"title": named[: branching.MAX_TITLE_CHARACTERS - len(title_format % {"title": ""})]},
        title_origin=conversation.title_origin,
        chosen_collection_count=seen.count(),
    )
    new.collections.set(seen)
    branching.copy_exchanges(new, exchanges, with_sources=with_sources)
    return new


def _filter_answered(exchanges: list[Exchange]) -> list[Exchange]:
    return [item for item in exchanges if item.answer and item.answer.status != Message.Status.WRITING]


def _build_bare_answer(answer: Message, citations: list[SentenceCitation]) -> dict[str, Any]:
    """Return an answer for the template without sources."""
    html = transcript.render_stored_answer(answer, citations, bare=True)
    return {
        "id": answer.pk, "html": SafeString(html), "status": answer.status,
        "unchecked": answer.unchecked and bool(answer.text),
        "status_words": answer.get_status_display(), "reason": answer.reason, "model": answer.model,
        "retracted": answer.retracted,
        "nothing_found": answer.nothing_found,
    }  # fmt: skip


def _list_titles(sources: AnswerSources | None) -> list[str]:
    if sources is None:
        return []
    return list(
        dict.fromkeys(item.title for item in sources.sources if item.number in sources.used and not item.unavailable)
    )
