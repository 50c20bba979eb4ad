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
    found = suspended_sign_in.find_visitor(request)
    if found is None:
        return render(request, "safety/suspended.html", {"found": None})
    if request.method == "POST":
        # With the rate limit of sign-ins.
        rate_limits.consume_bucket(rate_limits.build_account_bucket(found.person.email), LimitedResource.SIGN_INS)
        return _submit_appeal(request, found)
    later = suspended_sign_in.later_notices(found)
    if found.notice is not None:
        found.notice.can_appeal = appeals.can_appeal(found.notice)  # type: ignore[attr-defined]
        shown = [found.notice, *later]
        Notice.objects.filter(pk__in=[row.pk for row in shown], seen=None).update(seen=timezone.now())
        translate_notices(shown)
    return render(request, "safety/suspended.html", {"found": found, "later": later})


def _submit_appeal(request: HttpRequest, found: suspended_sign_in.SuspendedVisitor) -> HttpResponse:
    with show_refusals(request, ActionRefused):
        if found.notice is None:
            raise ActionRefused(gettext("This can no longer be appealed."))
        appeal = appeals.submit_appeal(found.person, found.notice, request.POST.get("text", ""))
        said = gettext("Appeal sent. Another reviewer will decide by %(due)s. You will be told here and by e-mail.")
        if not notice_emails.is_email_configured():
            said = gettext(
                "Appeal sent. Another reviewer will decide by %(due)s. You will see the decision on this page."
            )
        messages.success(request, said % {"due": appeals.format_due_day(appeal)})
    return redirect("safety:suspended")
