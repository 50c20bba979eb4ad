"""Page on which an administrator suspends an account, and the page of the suspended user with reason and appeal."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.lib.outgoing_email import is_email_configured
from apps.lib.refusals import show_refusals
from apps.lib.text.number_parsing import parse_number
from apps.safety.errors import ActionRefused
from apps.safety.models import Notice
from apps.safety.models.feature_restrictions import DURATION_DAYS
from apps.safety.moderation import account_suspensions, appeals, suspended_sign_in
from apps.safety.moderation.decision_notices import translate_notices
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource
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
        days = parse_number(request.POST.get("days", ""), -1)
        try:
            account_suspensions.suspend_account(
                get_signed_in_user(request), account, request.POST.get("reason", ""), days
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
        "min_length": account_suspensions.MIN_REASON_CHARACTERS,
        "max_length": account_suspensions.MAX_REASON_CHARACTERS,
    }
    return render(request, "safety/account_suspension.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def show_suspension(request: HttpRequest) -> HttpResponse:
    """Show the suspension to a user who has just entered the correct password; a POST appeals.

    Other visitors are asked to sign in.
    """
    if request.user.is_authenticated:
        return redirect("safety:notices")
    visitor = suspended_sign_in.find_visitor(request)
    if visitor is None:
        return render(request, "safety/suspended.html", {"visitor": None})
    if request.method == "POST":
        # With the rate limit of sign-ins.
        rate_limits.consume_bucket(rate_limits.build_account_bucket(visitor.user.email), LimitedResource.SIGN_INS)
        return _submit_appeal(request, visitor)
    later_notices = suspended_sign_in.later_notices(visitor)
    if visitor.notice is not None:
        visitor.notice.can_appeal = appeals.can_appeal(visitor.notice)  # type: ignore[attr-defined]
        shown = [visitor.notice, *later_notices]
        Notice.objects.filter(pk__in=[row.pk for row in shown], seen=None).update(seen=timezone.now())
        translate_notices(shown)
    return render(request, "safety/suspended.html", {"visitor": visitor, "later_notices": later_notices})


def _submit_appeal(request: HttpRequest, visitor: suspended_sign_in.SuspendedVisitor) -> HttpResponse:
    with show_refusals(request, ActionRefused):
        if visitor.notice is None:
            raise ActionRefused(gettext("This can no longer be appealed."))
        appeal = appeals.submit_appeal(visitor.user, visitor.notice, request.POST.get("text", ""))
        message = gettext("Appeal sent. A reviewer will decide by %(due)s. You will be told here and by e-mail.")
        if not is_email_configured():
            message = gettext("Appeal sent. A reviewer will decide by %(due)s. You will see the decision on this page.")
        messages.success(request, message % {"due": appeals.format_due_day(appeal)})
    return redirect("safety:suspended")
