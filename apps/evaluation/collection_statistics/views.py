"""Page of a collection's statistics, for its owners."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.documents.web.collection_context import get_collection_context
from apps.evaluation.collection_statistics.statistics import PERIOD, count_citations, group_unanswered
from apps.users.permissions import get_signed_in_user

_MAX_DOCUMENTS = 200


@login_required
@require_safe
def show_statistics(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show unanswered questions and how often documents were cited. Owners only; others get 404."""
    here = get_collection_context(request, pk, "statistics")
    if not here.is_owner:
        raise Http404
    context = {
        "unanswered": group_unanswered(get_signed_in_user(request), here.collection),
        "documents": count_citations(here.collection)[:_MAX_DOCUMENTS],
        "days": PERIOD.days,
    }
    return render(request, "evaluation/collection_statistics.html", {**here.context, **context})
