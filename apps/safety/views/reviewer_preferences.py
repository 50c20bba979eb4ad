"""Page of a reviewer's preferences: covered texts, and clauses left to others."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.safety.models import reviewer_preferences
from apps.safety.policy import versions
from apps.safety.policy.schema import CLAUSE_CODES, parse_policy
from apps.users.permissions import get_signed_in_user, staff_required


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_required
def edit_preferences(request: HttpRequest) -> HttpResponse:
    """Show the form of the preferences; a POST stores them."""
    user = get_signed_in_user(request)
    if request.method == "POST":
        skipped = [code for code in request.POST.getlist("without") if code in CLAUSE_CODES]
        reviewer_preferences.set_preferences(user, covers_severe="covered" in request.POST, skipped_clauses=skipped)
        messages.success(request, gettext("Saved. Only you can see this."))
        return redirect("safety:preferences")
    clauses = parse_policy(versions.get_live_version().body).clauses.values()
    context = {
        "preferences": reviewer_preferences.get_preferences(user),
        "hard": reviewer_preferences.SEVERE_FROM,
        "clauses": clauses,
    }
    return render(request, "safety/reviewer_preferences.html", context)
