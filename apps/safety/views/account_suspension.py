"""Page on which an administrator suspends an account, with a reason and a duration."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.safety.errors import ActionRefused
from apps.safety.models.feature_restrictions import DURATION_DAYS
from apps.safety.moderation import account_suspensions
from apps.users.models import User
from apps.users.permissions import administrator_required, get_signed_in_user


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@administrator_required
def suspend_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form for the reason and the duration; a POST suspends the account.

    A refusal shows the form with status 422.
    """
    account, error, status = get_object_or_404(User, pk=pk), "", 200
    if request.method == "POST":
        days = request.POST.get("days", "")
        try:
            chosen = int(days) if days.isascii() and days.isdecimal() and len(days) < 4 else -1
            account_suspensions.suspend_account(
                get_signed_in_user(request), account, request.POST.get("reason", ""), chosen
            )
        except ActionRefused as refusal:
            error, status = str(refusal), 422
        else:
            message = gettext("Account of %(name)s suspended; the user has been told why and how to appeal.")
            messages.success(request, message % {"name": account})
            return redirect("users:user", pk)
    context = {
        "found": account,
        "error": error,
        "days": DURATION_DAYS,
        "reason": request.POST.get("reason", ""),
        "chosen": request.POST.get("days", ""),
        "min_length": account_suspensions.LEAST,
        "max_length": account_suspensions.MOST,
    }
    return render(request, "safety/account_suspension.html", context, status=status)
