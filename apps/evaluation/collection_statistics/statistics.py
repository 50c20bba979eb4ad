"""Group the questions that a collection did not answer, and count citations of its documents, for its owner.

Entry points: `group_unanswered`, `count_citations`. No name of a user leaves this module, and no question that a single
other user asked: whoever owns a collection could recognise that user by it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from apps.conversations.models import Citation, Message, RetrievedPassage, Source
from apps.documents.models import Collection
from apps.lib.text.analyzer import extract_content_terms
from apps.safety.detectors.pii import mask_pii
from apps.users.models import User

PERIOD = timedelta(days=90)  # of the questions and answers that are counted
MIN_USERS = 2  # that asked a question before its words are shown to another user
_MAX_QUESTIONS = 5000  # newest ones that are grouped
_MAX_CHARACTERS = 300  # of a question that is shown


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    """Unanswered questions with the same content words. `text` is the newest one, with personal data masked."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class UnansweredQuestions:
    """Groups, most frequent first, and the number of questions whose words are not shown."""

    groups: list[QuestionGroup]
    hidden: int


def group_unanswered(user: User, collection: Collection) -> UnansweredQuestions:
    """Return the questions of the last PERIOD that found no answer in the collection.

    Shown are those that at least MIN_USERS users asked, and the user's own. A question without chosen collections
    counts for the collection of the passage that was nearest.
    """
    rows = _list_unanswered(collection).values_list("parent__text", "asked_by")[:_MAX_QUESTIONS]
    groups: dict[frozenset[str], list[tuple[str, int]]] = defaultdict(list)
    for text, asked_by in rows:
        groups[frozenset(extract_content_terms(text))].append((text, asked_by))
    shown: list[QuestionGroup] = []
    hidden = 0
    for asked in groups.values():
        own = [text for text, asked_by in asked if asked_by == user.pk]
        if own or len({asked_by for _, asked_by in asked}) >= MIN_USERS:
            words = (own or [text for text, _ in asked])[0]
            shown.append(QuestionGroup(mask_pii(words)[:_MAX_CHARACTERS], len(asked)))
        else:
            hidden += len(asked)
    return UnansweredQuestions(sorted(shown, key=lambda group: -group.count), hidden)


def _list_unanswered(collection: Collection) -> QuerySet[Message]:
    """Return the answers, newest first, that found nothing in the collection; no withheld and no deleted ones."""
    nearest = RetrievedPassage.objects.filter(answer=OuterRef("pk")).order_by("rank")
    here = Q(conversation__collections=collection) | Q(
        conversation__chosen_collection_count=0, nearest_collection=collection.pk
    )
    rows = Message.objects.filter(
        nothing_found=True, retracted=None, parent__retracted=None, parent__status=Message.Status.COMPLETE,
        conversation__deleted=None, created__gte=timezone.now() - PERIOD,
    ).annotate(nearest_collection=Subquery(nearest.values("source__document__collection")[:1]))  # fmt: skip
    return rows.filter(here).order_by("-created")


def count_citations(collection: Collection) -> list[tuple[str, UUID, int]]:
    """Return title, id and number of citing answers of each ready document, most cited first.

    An answer of the last PERIOD counts once for a document, however many of its sentences or quotes stand on it.
    """
    since = timezone.now() - PERIOD
    pairs: set[tuple[UUID, UUID]] = set()
    cited = Citation.objects.filter(source__document__collection=collection, answer__created__gte=since)
    pairs.update(cited.values_list("answer", "source__document"))
    sources = Source.objects.filter(document__collection=collection)
    by_number = {(talk, number): pk for talk, number, pk in sources.values_list("conversation", "number", "document")}
    quoting = Message.objects.filter(conversation__in=sources.values("conversation"), created__gte=since)
    for answer, talk, quotes in quoting.exclude(quotes=[]).values_list("pk", "conversation", "quotes"):
        found = {by_number.get((talk, quote["source"])) for quote in quotes}
        pairs.update((answer, document) for document in found if document)
    counts = Counter(document for _, document in pairs)
    ready = collection.documents.filter(status="ready", replaces=None)
    rows = [(str(row), row.pk, counts[row.pk]) for row in ready.only("title", "name", "status", "version")]
    return sorted(rows, key=lambda row: (-row[2], row[0].casefold()))
