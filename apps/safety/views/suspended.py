"""Page of a suspended user: reason and end of the suspension, and how to appeal."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.lib.refusals import show_refusals
from apps.safety.errors import ActionRefused
from apps.safety.models import Notice
from apps.safety.moderation import appeals, notice_emails, suspended_sign_in
from apps.safety.moderation.notices import translate_notices
from apps.users import rate_limits
from apps.users.models.rate_limit import LimitedResource


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
        rate_limits.consume_bucket(rate_limits.build_account_bucket(visitor.person.email), LimitedResource.SIGN_INS)
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
        appeal = appeals.submit_appeal(visitor.person, visitor.notice, request.POST.get("text", ""))
        message = gettext("Appeal sent. Another reviewer will decide by %(due)s. You will be told here and by e-mail.")
        if not notice_emails.is_email_configured():
            message = gettext(
                "Appeal sent. Another reviewer will decide by %(due)s. You will see the decision on this page."
            )
        messages.success(request, message % {"due": appeals.format_due_day(appeal)})
    return redirect("safety:suspended")
