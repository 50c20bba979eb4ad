"""Pages of break-glass access: users named for it request, approve and read; administrators see the list."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.conversations.disclosure import break_glass
from apps.lib.outgoing_email import is_email_configured
from apps.lib.refusals import show_refusals
from apps.lib.text.number_parsing import parse_number
from apps.safety.break_glass import access_requests
from apps.safety.errors import ActionRefused
from apps.safety.models.break_glass import BreakGlass
from apps.users.models import User
from apps.users.permissions import get_signed_in_user, staff_required
from apps.users.special_permissions import BREAK_GLASS

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
_LISTED = 50
_LAST_PAGE = 100_000  # the database takes no offset of any size


def _listed_only(view: View[P]) -> View[P]:
    """Restrict the view to users named for break-glass and administrators; others get 404."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not access_requests.can_list_requests(get_signed_in_user(request)):
            raise Http404
        return view(request, *args, **kwargs)

    return staff_required(wrapper)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@_listed_only
def list_requests(request: HttpRequest) -> HttpResponse:
    """Show pending, open and past requests; a POST requests access."""
    user, sent = get_signed_in_user(request), request.POST
    if request.method == "POST":
        with show_refusals(request, ActionRefused):
            row = _create_request(request)
            if row.emergency:
                return redirect("conversations:break_glass_conversation", row.pk)
            messages.success(request, _describe_next_step(user, row))
            return redirect("conversations:break_glass")
    rows = BreakGlass.objects.exclude(user=user).select_related("requester", "approver", "user")
    context = {
        "waiting": access_requests.pending_requests(user).select_related("requester", "user"),
        "named": BREAK_GLASS.is_held_by(user),
        "mailed": is_email_configured(),
        "rows": rows[:_LISTED],
        "grounds": BreakGlass.Ground.choices,
        "sent": sent,
        "now": timezone.now(),
        "minutes": settings.BREAK_GLASS_MINUTES,
        "min_length": access_requests.MIN_REASON_CHARACTERS,
        "others": BREAK_GLASS.list_holders().exclude(pk=user.pk).count(),
    }
    return render(request, "conversations/disclosure/break_glass.html", context)


def _describe_next_step(user: User, row: BreakGlass) -> str:
    """Return words about who approves the request, and how that user is told."""
    if access_requests.pending_requests(user).filter(pk=row.pk).exists():
        return gettext(
            "No other user can approve this request. You can approve it yourself below; the audit log records that."
        )
    if is_email_configured():
        return gettext("Another user with emergency permission must approve this request. They are told by e-mail.")
    return gettext(
        "Another user with emergency permission must approve this request. This site sends no e-mail, so tell "
        "them yourself."
    )


def _create_request(request: HttpRequest) -> BreakGlass:
    """Create the request of the form. Raise ActionRefused."""
    sent, user = request.POST, get_signed_in_user(request)
    if not BREAK_GLASS.is_held_by(user):
        raise ActionRefused(str(access_requests.NOT_PERMITTED))
    owner, conversation = break_glass.find_conversation(sent.get("wanted", "")[:400])
    return access_requests.request_access(
        user, owner, conversation, sent.get("ground", ""), sent.get("reason", ""),
        emergency=sent.get("emergency") == "on",
    )  # fmt: skip


def _requester_name(row: BreakGlass) -> str:
    return str(row.requester or gettext("deleted user"))


def _describe_approval(row: BreakGlass) -> str:
    message = ngettext(
        "Approved: %(user)s may read one conversation for %(minutes)s minute.",
        "Approved: %(user)s may read one conversation for %(minutes)s minutes.",
        row.minutes,
    )
    return message % {"user": _requester_name(row), "minutes": row.minutes}


@require_POST
@_listed_only
def decide_request(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Approve or refuse a request, review an emergency afterwards, or end an access."""
    user, note = get_signed_in_user(request), request.POST.get("note", "")
    with show_refusals(request, ActionRefused):
        match request.POST.get("do"):
            case "approve":
                message = _describe_approval(access_requests.approve_request(user, pk))
            case "refuse":
                row = access_requests.refuse_request(user, pk, note)
                message = gettext("Declined: %(user)s may not read the conversation.") % {"user": _requester_name(row)}
            case "justified":
                access_requests.review_emergency(user, pk, True, note)
                message = gettext("Emergency reviewed as justified.")
            case "unjustified":
                access_requests.review_emergency(user, pk, False, note)
                message = gettext("Emergency reviewed as not justified. The access has ended.")
            case "end":
                row = access_requests.end_access(user, pk)
                is_open = row.state == BreakGlass.State.OPEN
                message = gettext("Access ended.") if is_open else gettext("Request withdrawn.")
            case _:
                raise Http404
        messages.success(request, message)
    return redirect("conversations:break_glass")


@require_safe
@never_cache
@_listed_only
def read_conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the conversation to the user whose access is open; 404 for everybody else."""
    user = get_signed_in_user(request)
    try:
        row = access_requests.get_open_access(user, pk)
    except ActionRefused as error:
        raise Http404 from error
    context: dict[str, Any] = {"row": row}
    if row.conversation is None:
        return render(
            request,
            "conversations/disclosure/break_glass_conversation.html",
            context | {"choices": break_glass.list_conversations(row, user)},
        )
    at = min(parse_number(request.GET.get("page", "")), _LAST_PAGE)
    with show_refusals(request, ActionRefused):
        pieces, more = break_glass.load_messages(row, user, at)
        context |= {"pieces": pieces, "before": at - 1 if at else None, "after": at + 1 if more else None}
        return render(request, "conversations/disclosure/break_glass_conversation.html", context)
    return redirect("conversations:break_glass")


@require_POST
@_listed_only
def choose_conversation(request: HttpRequest, pk: UUID, conversation: UUID) -> HttpResponse:
    """Choose one of the owner's conversations; possible once per access."""
    try:
        break_glass.choose_conversation(access_requests.get_open_access(get_signed_in_user(request), pk), conversation)
    except ActionRefused as error:
        raise Http404 from error
    return redirect("conversations:break_glass_conversation", pk)
