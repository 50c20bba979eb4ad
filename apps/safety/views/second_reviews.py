"""Pages of second reviews: give one, request one, and reopen a disputed case."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.lib.refusals import show_refusals
from apps.safety.errors import ActionRefused
from apps.safety.moderation import cases, masking, second_reviews
from apps.safety.policy import schema, versions
from apps.users.permissions import administrator_required, get_signed_in_user, staff_required


@require_POST
@staff_required
def claim_review(request: HttpRequest) -> HttpResponse:
    """Claim the next second review and show it."""
    return _next(request)


@require_safe
@never_cache
@staff_required
def show_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the text and its clause, without score and decision. The reading is recorded.

    Severe texts are left out of the page until the user opens them (`?open=1`).
    """
    user = get_signed_in_user(request)
    try:
        row = second_reviews.get_held_review(user, pk)
        covered = cases.is_covered(row.severity)
        opened = not covered or "open" in request.GET
        if opened:
            row = second_reviews.read_review(user, pk)
    except ActionRefused as error:
        raise Http404 from error
    version = row.snapshot.policy or versions.get_live_version()
    context = {
        "second_review": row,
        "context": masking.mask_turns(row.snapshot.context) if opened else [],
        "clause": schema.parse_policy(version.body).clause(row.clause),
        "policy": version,
        "covered": covered,
        "opened": opened,
        "left": second_reviews.pending_reviews(user).count(),
    }
    return render(request, "safety/second_review.html", context)


@require_POST
@staff_required
def submit_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Store the second review and open the next one."""
    sent, user = request.POST, get_signed_in_user(request)
    with show_refusals(request, ActionRefused):
        if sent.get("answer") not in ("against", "harmless"):
            raise ActionRefused(gettext("Choose whether the text violates the clause."))
        second_reviews.submit_review(user, pk, sent.get("token", ""), sent["answer"] == "against", sent.get("note", ""))
        return _next(request)
    return redirect("safety:queue")


@require_POST
@staff_required
def renew_review(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Extend the claim. Return the reason as `message` if the user no longer holds it."""
    try:
        second_reviews.renew_review(get_signed_in_user(request), pk, request.POST.get("token", ""))
    except ActionRefused as refusal:
        return JsonResponse({"message": str(refusal)})
    return JsonResponse({})


@require_POST
@staff_required
def release_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Release the second review for other reviewers."""
    with show_refusals(request, ActionRefused):
        second_reviews.release_review(get_signed_in_user(request), pk, request.POST.get("token", ""))
    return redirect("safety:queue")


@require_POST
@staff_required
def request_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Request a second review of the case and release the case."""
    with show_refusals(request, ActionRefused):
        cases.request_second_review(get_signed_in_user(request), pk, request.POST.get("token", ""))
        messages.success(
            request, gettext("Second review requested. The case is back in the queue; the result will appear there.")
        )
    return redirect("safety:queue")


@require_POST
@administrator_required
def reopen_case(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Reopen a disputed case. Administrators only."""
    with show_refusals(request, ActionRefused):
        cases.reopen_case(get_signed_in_user(request), pk)
        return redirect("safety:case", pk)
    return redirect("safety:queue")


def _next(request: HttpRequest) -> HttpResponse:
    row = second_reviews.claim_review(get_signed_in_user(request))
    if row is None:
        messages.success(request, gettext("No second reviews are waiting."))
        return redirect("safety:queue")
    return redirect("safety:second_review", row.pk)
