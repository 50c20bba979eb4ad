"""Build the transcript of a conversation for pages, in a fixed number of queries whatever its length.

Entry points: `load_turn`, `build_turns`, `load_citations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from apps.conversations.attachments import queries
from apps.conversations.core.attached_picture import AttachedPictureView
from apps.conversations.core.message_tree import Exchange, find_path
from apps.conversations.evidence import source_list
from apps.conversations.evidence.answer_sources import AnswerSources, load_answer_sources
from apps.conversations.image_chat import tiles as tiled
from apps.conversations.models import Citation, Conversation, Feedback, Message, ShownSentences
from apps.conversations.moderation import withheld_notice
from apps.conversations.rendering import answer_renderer
from apps.conversations.rendering.citation_marks import list_cited_sources, number_sources
from apps.conversations.rendering.link_policy import LinkPolicy
from apps.conversations.tools import call_cards
from apps.conversations.turns import context_usage
from apps.documents.models import Collection, Document
from apps.documents.models.collection import disambiguate_names
from apps.grounding.citer import SentenceCitation, is_mostly_unsupported
from apps.grounding.sentence_state import CHECK_VERSION
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class CollectionOption:
    """Collection that the user may search, with numbers of ready and waiting documents."""

    id: UUID
    name: str
    documents: int
    waiting: int
    chosen: bool


def list_collection_options(user: User, chosen: set[UUID]) -> list[CollectionOption]:
    """Return the collections that the user may search, by name, those in `chosen` marked."""
    rows = (
        Collection.objects.filter(pk__in=Collection.objects.visible_to(user).values("pk"))
        .annotate(ready=Count("documents", filter=Q(documents__status=Document.Status.READY)))
        .annotate(waiting=Count("documents", filter=Q(documents__status__in=Document.ACTIVE)))
        .values_list("pk", "name", "owner__name", "owner__email", "ready", "waiting")
    )
    names = disambiguate_names((pk, name, owner or email) for pk, name, owner, email, *_ in rows)
    options = [CollectionOption(pk, names[pk], ready, waiting, pk in chosen) for pk, *_, ready, waiting in rows]
    return sorted(options, key=lambda option: option.name.casefold())


def describe_missing_scope(conversation: Conversation, options: Sequence[CollectionOption], chosen: set[UUID]) -> str:
    """Return the words for collections of a conversation that the user may no longer search; "" if there are none.

    If none is left, questions are refused until the user chooses others, rather than answered from all collections.
    """
    lost = conversation.chosen_collection_count - sum(option.chosen for option in options)
    if lost <= 0:
        return ""
    if lost < conversation.chosen_collection_count:
        return ngettext("%(n)s collection no longer available", "%(n)s collections no longer available", lost) % {
            "n": lost
        }
    return gettext("Collection no longer shared") if chosen else gettext("Deleted collection")


def load_turn(user: User, answer: Message) -> dict[str, Any]:
    """Return the exchange of that answer, or of the answer that continues it, for templates."""
    path = find_path(answer.conversation.messages.all(), answer.pk)
    return build_turns(user, [item for item in path if item.question.pk == answer.parent_id])[0]


def build_turns(user: User, exchanges: Sequence[Exchange]) -> list[dict[str, Any]]:
    """Return the exchanges for templates, in a fixed number of queries. Keys are listed in `views.py`."""
    answers = [item.answer for item in exchanges if item.answer]
    sources = load_answer_sources(user, answers)
    rows = _citation_rows(answers)
    citations, before = _make_citations(rows), {row.answer_id for row in rows if row.check_version < CHECK_VERSION}
    tiles = tiled.load_tiles(answers)
    attached = queries.load_by_question(item.question.pk for item in exchanges)
    ratings = Feedback.objects.filter(answer__in=answers, user=user).values_list("answer", "is_positive")
    rated = {pk: "good" if is_positive else "poor" for pk, is_positive in ratings}
    return [
        {
            "question": _build_question(item, attached.get(item.question.pk, ())),
            "answer": _answer(
                item.answer,
                item,
                sources[item.answer.pk],
                citations.get(item.answer.pk, []),
                earlier=item.answer.pk in before,
            )
            | {
                "rated": rated.get(item.answer.pk, ""),
                "pictures_html": tiled.render_tiles(item.answer, tiles.get(item.answer.pk)),
                "pictures": tiles.get(item.answer.pk),
            },
        }
        for item in exchanges
        if item.answer
    ]


def load_citations(answers: Sequence[Message]) -> dict[UUID, list[SentenceCitation]]:
    """Return the citations by answer id, sentence by sentence, the best support first."""
    return _make_citations(_citation_rows(answers))


def _citation_rows(answers: Sequence[Message]) -> list[Citation]:
    rows = Citation.objects.filter(answer__in=answers).select_related("source")
    return list(rows.order_by("sentence", "-score"))


def _make_citations(rows: Sequence[Citation]) -> dict[UUID, list[SentenceCitation]]:
    found: dict[UUID, list[SentenceCitation]] = {}
    for row in rows:
        number = row.source.number if row.source else None
        at = row.sentence, row.start, row.end, number, row.source_start, row.source_end
        how = row.score, row.tool, row.quoted, row.compared, row.contradicted, row.checked_by
        found.setdefault(row.answer_id, []).append(SentenceCitation(*at, *how))
    return found


def _build_question(item: Exchange, attached: tuple[AttachedPictureView, ...]) -> dict[str, Any]:
    row = item.question
    return {
        "id": row.pk,
        "html": SafeString(answer_renderer.render_question(row.text)) if row.text else "",
        "text": row.text,
        "retracted": row.retracted,
        "edited": row.edited,
        "attached": attached,
        "fork": describe_branches(row, item.questions),
    }


def _answer(
    answer: Message, item: Exchange, sources: AnswerSources, citations: list[SentenceCitation], *, earlier: bool
) -> dict[str, Any]:
    return {
        "id": answer.pk,
        "status": answer.status,
        "status_words": answer.get_status_display(),
        "reason": answer.reason,
        "retracted": answer.retracted,
        "withheld": withheld_notice.build_notice_context(answer.reason, answer.text, answer.usage)
        if answer.status == Message.Status.WITHHELD or answer.retracted
        else None,
        "asked_retracted": item.question.retracted,
        "copied": answer.origin is not None,
        "html": SafeString(render_stored_answer(answer, citations, sources.unavailable)),
        "last_seq": 0,
        "window": context_usage.describe_usage(context_usage.read_usage(answer)),
        "thoughts": bool(answer.usage.get("thoughts")),
        "only_verified": answer.shown_sentences == ShownSentences.VERIFIED,
        "weak": answer.shown_sentences != ShownSentences.VERIFIED and is_mostly_unsupported(citations),
        "earlier_check": earlier,
        "steps": [step for step in answer.steps if step["name"] != "see"],  # shown separately as `seen`
        "seen": next((step["words"] for step in answer.steps if step["name"] == "see"), ""),
        "quotes_html": sources.quotes_html,
        "tools_html": call_cards.render_cards(
            answer.pk, answer.tools, sources.numbers, ended=answer.status != Message.Status.WRITING
        ),
        "sources_html": sources.sources_html,
        "sources_words": sources.words,
        "nothing_html": _build_no_results(answer),
        "style": answer.style,
        "model": answer.model,
        "without_model": answer.without_model,
        "unchecked": answer.unchecked and bool(answer.text or answer.status == Message.Status.WRITING),
        "nothing_found": answer.nothing_found,
        "unfinished": answer.unfinished,
        "only_quotes": answer.only_quotes,
        "fork": describe_branches(answer, item.answers),
    }


def render_stored_answer(
    answer: Message, citations: list[SentenceCitation], unavailable: frozenset[int] = frozenset(), *, bare: bool = False
) -> str:
    """Return the HTML of a stored answer; `bare` leaves out citation marks.

    An answer that is being written and shows only verified sentences gives "", since its citations are not stored yet.
    """
    only_verified = answer.shown_sentences == ShownSentences.VERIFIED
    if not answer.text or (only_verified and answer.status == Message.Status.WRITING):
        return ""
    links = LinkPolicy(stored_links=answer.links)
    shown = number_sources([*(quote["source"] for quote in answer.quotes), *list_cited_sources(citations)])
    return answer_renderer.render_answer(
        answer.text,
        citations,
        answer.pk,
        links,
        unavailable,
        shown,
        only_verified=only_verified,
        bare=bare,
        unread_languages=answer.unread_languages,
    )


def describe_branches(row: Message, siblings: Sequence[Message]) -> dict[str, Any]:
    """Return the place of the message among its siblings, and the URLs of its neighbours ("" at the ends)."""
    index = siblings.index(row)
    return {
        "siblings": len(siblings),
        "place": index + 1,
        "older": _get_branch_url(siblings[index - 1]) if index else "",
        "newer": _get_branch_url(siblings[index + 1]) if index + 1 < len(siblings) else "",
    }


def _get_branch_url(row: Message) -> str:
    return f"/c/{row.conversation_id}/?at={row.pk}"


def _build_no_results(answer: Message) -> str:
    if not answer.nothing_found:
        return ""
    searched: dict[str, Any] = next((step["nothing"] for step in answer.steps if step.get("nothing")), {})
    return source_list.render_no_results(searched) if searched else ""
