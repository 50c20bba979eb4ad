"""Pages on which staff read and handle feedback on answers, and export preference pairs."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.conversations.history import transcript
from apps.conversations.models import Feedback, Message
from apps.conversations.moderation import message_cases
from apps.documents.models import Collection
from apps.evaluation.feedback import preference_pairs
from apps.evaluation.forms import GoldenQuestionForm
from apps.safety.audit_log import audit
from apps.users.models import User
from apps.users.permissions import administrator_required, get_signed_in_user, staff_required
from apps.users.special_permissions import SEALED

PAGE = 50
STATUS_FILTERS = {"new": gettext_lazy("New"), "handled": gettext_lazy("Handled"), "all": gettext_lazy("All")}
THUMB_FILTERS = {"": gettext_lazy("All ratings"), "poor": gettext_lazy("Poor"), "good": gettext_lazy("Good")}


@require_safe
@never_cache
@staff_required
def show_feedback(request: HttpRequest) -> HttpResponse:
    """List feedback with filters. Shows only comments to staff, no text of conversations."""
    show = request.GET.get("show", "new")
    show = show if show in STATUS_FILTERS else "new"
    thumb, reason = request.GET.get("thumb", ""), request.GET.get("reason", "")
    rows = _filtered(get_signed_in_user(request), thumb, reason)
    counts = [(name, words, _filter_status(rows, name).count()) for name, words in STATUS_FILTERS.items()]
    page = Paginator(_filter_status(rows, show).select_related("answer"), PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": page.object_list, "counts": counts, "show": show, "thumb": thumb, "reason": reason, "page": page,
        "query": urlencode({"show": show, "thumb": thumb, "reason": reason}),
        "thumbs": THUMB_FILTERS.items(), "reasons": Feedback.Reason.choices,
        "pairs": preference_pairs.count_pairs() if get_signed_in_user(request).is_administrator else None,
    }  # fmt: skip
    return render(request, "evaluation/feedback.html", context)


@require_safe
@never_cache
@staff_required
def show_rated_turn(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the rated turn. The access is written to the audit log, where the user can see it."""
    user = get_signed_in_user(request)
    row = _get_feedback(user, pk)
    audit.record_event("read", actor=user, user=row.user_id, subject=f"feedback {pk}", why="feedback on an answer")
    turn = transcript.load_turn(user, row.answer)
    context = {"feedback": row, "turn": turn, "golden": _make_golden_forms(user, row.answer, turn["question"]["text"])}
    return render(request, "evaluation/feedback_detail.html", context)


@require_POST
@staff_required
def toggle_handled(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark feedback as handled, or as new again."""
    row, done = _get_feedback(get_signed_in_user(request), pk), request.POST.get("handled") == "yes"
    Feedback.objects.filter(pk=row.pk).update(
        handled=timezone.now() if done else None, handler=get_signed_in_user(request) if done else None
    )
    messages.success(request, gettext("Marked as handled.") if done else gettext("Marked as open."))
    return redirect(reverse("evaluation:feedback"))


@require_safe
@administrator_required
def export_preference_pairs(request: HttpRequest) -> HttpResponse:
    """Return all preference pairs as JSON Lines for TRL's DPO trainer.

    Each user with a pair in it gets an audit log entry, which they can see.
    """
    user, pairs = get_signed_in_user(request), preference_pairs.build_pairs()
    for pk in {pair.user_id for pair in pairs}:
        audit.record_event("read", actor=user, user=pk, subject="preference pairs", why="export of rated answers")

    body = b"".join(orjson.dumps(pair.to_json(), option=orjson.OPT_APPEND_NEWLINE) for pair in pairs)
    named = {"Content-Disposition": 'attachment; filename="preferences.jsonl"'}
    return HttpResponse(body, content_type="application/jsonl", headers=named)


def _filtered(user: User, thumb: str = "", reason: str = "") -> QuerySet[Feedback]:
    rows = Feedback.objects.filter(answer__conversation__deleted__isnull=True)
    if not SEALED.is_held_by(user):
        rows = rows.exclude(answer__in=message_cases.find_sealed_answers())
    if thumb in ("good", "poor"):
        rows = rows.filter(is_positive=thumb == "good")
    if reason in Feedback.Reason.values:
        rows = rows.filter(reasons__icontains=f'"{reason}"')  # a JSON list as text: SQLite has no `contains` for JSON
    return rows


def _filter_status(rows: QuerySet[Feedback], show: str) -> QuerySet[Feedback]:
    return rows if show == "all" else rows.filter(handled__isnull=show == "new")


def _get_feedback(user: User, pk: int) -> Feedback:
    rows = _filtered(user).select_related("answer__conversation", "answer__parent", "handler")
    return get_object_or_404(rows, pk=pk)


def _make_golden_forms(user: User, answer: Message, question: str) -> list[dict[str, Any]]:
    """Return a form for a golden question per collection that the answer used and that the user may edit."""
    used = Collection.objects.filter(documents__source__retrievals__answer=answer)
    rows = Collection.objects.editable_by(user).filter(pk__in=used.values("pk")) | Collection.objects.editable_by(
        user
    ).filter(conversations=answer.conversation_id)
    forms_by_collection = []
    for collection in rows.distinct().order_by("name"):
        form = GoldenQuestionForm(collection)
        form.fields["text"].initial = question[:500]
        form.fields["document"].initial = (
            answer.retrieved.filter(source__document__collection=collection)
            .values_list("source__document", flat=True)
            .first()
        )
        form.auto_id = f"id_{collection.pk}_%s"
        forms_by_collection.append({"collection": collection, "form": form})
    return forms_by_collection
