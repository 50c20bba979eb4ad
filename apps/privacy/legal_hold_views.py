"""Pages on which administrators set and lift legal holds of users, and lift those of cases that are left."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.lib.refusals import show_refusals
from apps.privacy import case_legal_holds, retention
from apps.privacy.models import LegalHold
from apps.safety.errors import ActionRefused
from apps.users.models import User
from apps.users.permissions import administrator_required, get_signed_in_user
from apps.users.user_field import UserField


class LiftHoldForm(forms.Form):
    person = UserField()


class UserHoldForm(LiftHoldForm):
    """Form of a new legal hold of a user, with its reason for the audit log."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=400)

    def clean_person(self) -> User:
        user: User = self.cleaned_data["person"]
        if LegalHold.objects.filter(user=user).exists():
            raise forms.ValidationError(gettext("There is already a legal hold on this user."))
        return user


@require_http_methods(["GET", "HEAD", "POST"])
@administrator_required
def show_holds(request: HttpRequest) -> HttpResponse:
    """List legal holds. A POST sets the hold of a user, with a reason, or lifts it, also with a reason."""
    if request.POST.get("hold") == "no":
        return _lift_user_hold(request)
    by, form = get_signed_in_user(request), UserHoldForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        retention.hold_user(by, form.cleaned_data["person"], form.cleaned_data["reason"])
        message = gettext(
            "Legal hold on %(user)s set. Until it is lifted, retention rules and erasure delete nothing of this user."
        )
        messages.success(request, message % {"user": form.cleaned_data["person"]})
        return redirect("privacy:holds")
    rows = LegalHold.objects.select_related("user", "set_by").order_by("created")
    context = {"rows": rows, "form": form, "cases": case_legal_holds.active_holds()}
    return render(request, "privacy/legal_holds.html", context, status=400 if form.errors else 200)


def _lift_user_hold(request: HttpRequest) -> HttpResponse:
    form = LiftHoldForm(request.POST)
    if not form.is_valid():
        raise Http404
    with show_refusals(request, ActionRefused):
        user = form.cleaned_data["person"]
        retention.lift_user_hold(get_signed_in_user(request), user, request.POST.get("reason", ""))
        message = gettext("Legal hold on %(user)s lifted. Retention rules and erasure apply to this user again.")
        messages.success(request, message % {"user": user})
    return redirect("privacy:holds")


@require_POST
@administrator_required
def lift_case_hold(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Lift the legal hold of a case with a reason."""
    user = get_signed_in_user(request)
    if case_legal_holds.find_held_case(user, pk) is None:
        raise Http404
    with show_refusals(request, ActionRefused):
        case_legal_holds.lift_case_hold(user, pk, request.POST.get("reason", ""))
        messages.success(request, gettext("Legal hold lifted."))
    return redirect("privacy:holds")
