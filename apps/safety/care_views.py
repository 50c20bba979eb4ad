"""A reviewer's own page: what they want to be spared."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.safety import exposure, policies
from apps.safety.policy import CODES, read
from apps.users.access import person, staff_only


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_only
def page(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if request.method == "POST":
        without = [code for code in request.POST.getlist("without") if code in CODES]
        exposure.set_care(user, covered="covered" in request.POST, without=without)
        messages.success(request, gettext("Kept. Nobody else sees this."))
        return redirect("safety:care")
    clauses = read(policies.live().body).clauses.values()
    context = {"care": exposure.care(user), "hard": exposure.HARD, "clauses": clauses}
    return render(request, "safety/care.html", context)
