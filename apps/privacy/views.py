"""Pages on privacy: overview, consents, retention rules, copy and erasure of one's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.conversations.attachments import recognition
from apps.conversations.models import Conversation
from apps.documents.models import Collection
from apps.lib.refusals import show_refusals
from apps.privacy import data_export, data_requests, erasure, retention
from apps.privacy.models import DataRequest, LegalHold, RetentionRule
from apps.safety.errors import ActionRefused
from apps.users import consents, sign_in_limits
from apps.users.accounts import LastAdministrator
from apps.users.consents import Consent
from apps.users.i18n import translate_stored
from apps.users.permissions import get_signed_in_user

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Scope = RetentionRule.Scope
_DAYS = {str(days) for days, _ in retention.DURATION_CHOICES}
_LISTED = 200
_DELETED = 50  # collections and assistants named before an erasure
_COUNTED = {  # words of the receipt for what `erasure` counts
    "conversations": gettext_lazy("Conversations"), "documents": gettext_lazy("Documents"),
    "collections": gettext_lazy("Collections"), "assistants": gettext_lazy("Assistants"),
    "shares": gettext_lazy("Received shares"), "groups": gettext_lazy("Groups"), "pictures": gettext_lazy("Pictures"),
    "attached pictures": gettext_lazy("Attached pictures"), "files": gettext_lazy("Files"),
    "texts of review": gettext_lazy("Reviewed texts"), "copies": gettext_lazy("Copies of the data"),
    "break-glass requests": gettext_lazy("Requests for emergency access"),
    "other rows": gettext_lazy("Other records"),
}  # fmt: skip
_LAST = gettext_lazy("You are the last administrator who can sign in. Make another user an administrator first.")


@require_safe
def show_privacy(request: HttpRequest) -> HttpResponse:
    """Show which data is stored where and for how long; for signed-in users also their choices."""
    site_days = retention.get_rule_days(Scope.SITE)
    context: dict[str, Any] = {
        "site_days": site_days,
        "verdict_days": settings.VERDICT_DAYS,
        "text_days": settings.CASE_TEXT_DAYS,
        "captions": recognition.is_captioned_by_server(),
    }
    if request.user.is_authenticated:
        user = get_signed_in_user(request)
        own_days = retention.get_rule_days(Scope.USER, user.pk)
        context |= {
            "own_days": own_days if not site_days or own_days < site_days else 0,
            "held": LegalHold.objects.filter(user=user).exists(),
            "copies": DataRequest.objects.filter(user=user, kind=DataRequest.Kind.EXPORT)[:5],
            "kept_days": data_requests.KEPT_DAYS,
            "consents": consents.list_consents(user),
        }
    return render(request, "privacy/privacy.html", context)


@require_POST
@login_required
def set_consent(request: HttpRequest) -> HttpResponse:
    """Store one consent of the user, given or withdrawn."""
    user, named = get_signed_in_user(request), request.POST.get("to", "")
    if named not in Consent.values:
        raise Http404
    consents.change_consent(user, Consent(named), request.POST.get("consent") == "yes")
    messages.success(request, gettext("Saved. You can change it at any time."))
    return redirect("privacy:page")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit_retention(request: HttpRequest) -> HttpResponse:
    """Show the retention rules of the user, and for administrators of the site; a POST changes one."""
    user = get_signed_in_user(request)
    if request.method == "POST":
        scope, subject, days = (request.POST.get(name, "") for name in ("scope", "subject", "days"))
        subject = subject or (str(user.pk) if scope == Scope.USER else "")
        if days not in _DAYS and days != str(retention.get_rule_days(scope, subject)):
            raise Http404
        try:
            retention.change_rule(user, scope, int(days), subject)
        except ActionRefused as error:
            raise Http404 from error
        messages.success(request, gettext("Saved. It applies within a minute."))
        return redirect("privacy:keeping")
    rules = dict(RetentionRule.objects.exclude(scope__in=[Scope.SITE, Scope.USER]).values_list("subject", "days"))
    collections = Collection.objects.owned_by(user)[:_LISTED]
    conversations = Conversation.objects.visible_to(user)[:_LISTED]
    site, own = retention.get_rule_days(Scope.SITE), retention.get_rule_days(Scope.USER, user.pk)
    context = {
        "site": site,
        "own": own,
        "collections": [
            (row, found := rules.get(str(row.pk), 0), retention.list_choices(found)) for row in collections
        ],
        "conversations": [
            (row, found := rules.get(str(row.pk), 0), _choices_of_one(found, site, own)) for row in conversations
        ],
        "site_choices": retention.list_choices(site),
        "own_choices": retention.list_choices(own, site, limit_label=_limit_of_site(site)),
    }
    return render(request, "privacy/retention.html", context)


def _choices_of_one(days: int, site: int, own: int) -> list[tuple[int, StrOrPromise]]:
    """Return the choices for one conversation: its rule overrides the others, and without one the shorter of them
    applies."""
    label: StrOrPromise
    if own and (not site or own < site):
        label = gettext("%(days)s (all my conversations)") % {"days": retention.format_days(own)}
    else:
        label = _limit_of_site(site) if site else retention.DURATION_CHOICES[0][1]
    return [(0, label), *retention.list_choices(days)[1:]]


def _limit_of_site(site: int) -> str:
    return gettext("At most %(days)s (this site)") % {"days": retention.format_days(site)}


@require_POST
@login_required
def request_export(request: HttpRequest) -> HttpResponse:
    """Queue a copy of the user's data."""
    with show_refusals(request, data_requests.DataRequestRefused):
        data_requests.request_copy(get_signed_in_user(request))
        messages.success(request, gettext("Your copy is being prepared. It appears here when it is ready."))
    return redirect(f"{reverse('privacy:page')}#copies")


@require_safe
@never_cache
@login_required
def download_export(request: HttpRequest, pk: UUID) -> HttpResponse | FileResponse:
    """Return the ZIP of a finished request to its user."""
    rows = DataRequest.objects.filter(
        user=get_signed_in_user(request), kind=DataRequest.Kind.EXPORT, status=DataRequest.Status.DONE
    )
    data_request = get_object_or_404(rows, pk=pk)
    if not data_export.archive_path(data_request).is_file():
        raise Http404
    name = f"openbook-{data_request.created:%Y-%m-%d}.zip"
    return FileResponse(data_export.archive_path(data_request).open("rb"), as_attachment=True, filename=name)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def request_account_erasure(request: HttpRequest) -> HttpResponse:
    """Queue the erasure of the account after the password, sign out and redirect to the receipt.

    Wrong passwords count as failed sign-ins.
    """
    user, wrong = get_signed_in_user(request), ""
    if request.method == "POST":
        held = sign_in_limits.count_attempt(request, user.email)
        if held is None or not user.check_password(request.POST.get("password", "")):
            wrong = gettext("Too many attempts. Try again later.") if held is None else gettext("Wrong password.")
        else:
            try:
                data_request = data_requests.request_erasure(user)
            except data_requests.DataRequestRefused as refusal:
                wrong = str(refusal)
            except LastAdministrator:
                wrong = str(_LAST)
            else:
                logout(request)
                return redirect("privacy:receipt", data_request.pk)
    collections, assistants = Collection.objects.filter(owner=user), erasure.list_shared_assistants(user)
    context = {
        "wrong": wrong,
        "collections": collections[:_DELETED],
        "more_collections": max(0, collections.count() - _DELETED),
        "assistants": assistants[:_DELETED],
        "more_assistants": max(0, len(assistants) - _DELETED),
        "held": LegalHold.objects.filter(user=user).exists(),
    }
    return render(request, "privacy/erasure.html", context, status=400 if wrong else 200)


@require_safe
@never_cache
def show_receipt(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the receipt of an erasure. Its URL works without sign-in: the account is gone, and the receipt names
    nobody."""
    data_request = get_object_or_404(DataRequest, pk=pk, kind=DataRequest.Kind.ERASE)
    counts = [
        (_COUNTED.get(what, translate_stored(what.capitalize())), number)
        for what, number in data_request.counts.items()
    ]
    context = {"data_request": data_request, "held": erasure.describe_held(data_request), "counts": counts}
    return render(request, "privacy/erasure_receipt.html", context)
