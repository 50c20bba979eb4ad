"""Views of the rating buttons below an answer. Each responds with the form of the panel (`_feedback_form.html`)."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from apps.conversations.evidence import source_panel
from apps.conversations.feedback import rating
from apps.conversations.feedback.rating import FeedbackForm
from apps.conversations.models.feedback import Feedback
from apps.users.models import User
from apps.users.permissions import get_signed_in_user


@login_required
@require_POST
def rate_answer(request: HttpRequest, answer: UUID) -> HttpResponse:
    """Store the rating, `good` or `poor`; the same rating again only opens the form."""
    user, row = get_signed_in_user(request), source_panel.get_own_answer(get_signed_in_user(request), answer)
    thumb = request.POST.get("thumb")
    if thumb not in ("good", "poor"):
        return HttpResponse(gettext("Choose thumbs up or thumbs down."), status=400, content_type="text/plain")
    return _form(request, rating.save_rating(user, row, thumb == "good"))


@login_required
@require_POST
def edit_details(request: HttpRequest, answer: UUID) -> HttpResponse:
    """Store reasons, note, report and consent; with `withdraw`, delete the feedback."""
    user, row = get_signed_in_user(request), source_panel.get_own_answer(get_signed_in_user(request), answer)
    if "withdraw" in request.POST:
        rating.withdraw_feedback(user, row)
        return render(request, "conversations/feedback/_feedback_form.html", {"answer": row, "withdrawn": True})
    found = Feedback.objects.filter(answer=row, user=user).select_related("answer").first()
    form = FeedbackForm(request.POST)
    if found is None:
        return HttpResponse(gettext("Choose thumbs up or thumbs down."), status=400, content_type="text/plain")
    if not form.is_valid():
        return _form(request, found, form)
    rating.save_details(user, found, form.cleaned_data)
    return render(
        request, "conversations/feedback/_feedback_form.html", {"answer": row, "feedback": found, "kept": True}
    )


def _form(request: HttpRequest, row: Feedback, form: FeedbackForm | None = None) -> HttpResponse:
    lends = User.objects.values_list("allows_training_on_answers", flat=True).get(pk=row.user_id)
    initial = {"reasons": row.reasons, "note": row.note, "report": row.reported is not None, "lend": lends}
    context = {"answer": row.answer, "feedback": row, "form": form or FeedbackForm(initial=initial)}
    return render(request, "conversations/feedback/_feedback_form.html", context)
