"""Suggest first questions: those that were made when documents were indexed, of documents that the user may read.

Entry point: `list_starters`.
"""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from itertools import chain, islice, zip_longest
from uuid import UUID

from apps.documents.models import Collection, Document
from apps.users.models import User

MAX_QUESTIONS = 3
_READ = 20  # newest documents with questions that are asked about in turns


def list_starters(user: User, chosen: AnyCollection[UUID]) -> list[str]:
    """Return up to three questions, of the newest documents first, one of each before a second of any.

    `chosen` are collection ids; empty means all that the user may read. One query.
    """
    visible = Collection.objects.visible_to(user)
    searched = visible.filter(pk__in=chosen) if chosen else visible
    documents = Document.objects.filter(collection__in=searched, status=Document.Status.READY, withheld="")
    answering = documents.exclude(starters__isnull=True).exclude(starters=[]).order_by("-created")
    asked = [starters or [] for starters in answering.values_list("starters", flat=True)[:_READ]]
    rounds = chain.from_iterable(zip_longest(*asked))
    return list(islice(dict.fromkeys(filter(None, rounds)), MAX_QUESTIONS))
