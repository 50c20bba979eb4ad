"""Save and delete views of the review queue, each reviewer their own."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from apps.lib.refusals import show_refusals
from apps.safety.errors import ActionRefused
from apps.safety.models import saved_views
from apps.safety.moderation import case_queue
from apps.users.permissions import get_signed_in_user, staff_required


@require_POST
@staff_required
def save_view(request: HttpRequest) -> HttpResponse:
    """Save the filters of the queue under a name and show them."""
    query = case_queue.parse_filter(QueryDict(request.POST.get("place", "")[: saved_views.MAX_QUERY])).query()
    with show_refusals(request, ActionRefused):
        row = saved_views.save_view(get_signed_in_user(request), request.POST.get("name", ""), query)
        messages.success(request, gettext("View “%(name)s” saved.") % {"name": row.name})
    return _redirect_to_queue(query)


@require_POST
@staff_required
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a saved view of the user and show the queue as it was."""
    if saved_views.delete_view(get_signed_in_user(request), pk):
        messages.success(request, gettext("View deleted."))
    return _redirect_to_queue(
        case_queue.parse_filter(QueryDict(request.POST.get("place", "")[: saved_views.MAX_QUERY])).query()
    )


def _redirect_to_queue(query: str) -> HttpResponse:
    response = redirect("safety:queue")
    response["Location"] += f"?{query}"
    return response
