"""Page on which an administrator lets a user go: what is handed over, what is deleted, then the account is closed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.administration import offboarding
from apps.administration.offboarding import Handover
from apps.safety.errors import ActionRefused
from apps.users.models import User
from apps.users.permissions import administrator_required, get_signed_in_user, password_required
from apps.users.user_field import UserField

DEACTIVATE, ERASE = "deactivate", "erase"


class OffboardingForm(forms.Form):
    """Form of who gets what, and of what happens to the account."""

    to = UserField(
        label=gettext_lazy("Hand over to"),
        required=False,
        help_text=gettext_lazy("Leave it empty to hand over nothing."),
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("What is handed over"),
        choices=Handover.choices,
        initial=Handover.values,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    account = forms.ChoiceField(
        label=gettext_lazy("The account"),
        choices=[
            (DEACTIVATE, gettext_lazy("Deactivate: nobody can sign in with it, nothing is deleted")),
            (ERASE, gettext_lazy("Delete, with everything that is not handed over")),
        ],
        initial=DEACTIVATE,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, by: User, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.by, self.user = by, user

    def clean(self) -> dict[str, Any]:
        """Add the reason why the account cannot be closed in this way as an error of the form."""
        given = super().clean() or {}
        if not self.errors:
            erase = given["account"] == ERASE
            if obstacle := offboarding.find_obstacle(self.by, self.user, given["to"], erase=erase):
                raise forms.ValidationError(obstacle)
        return given


@never_cache
@administrator_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def offboard_user(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the user owns, and the form. A POST shows what will happen; one with `confirmed` does it."""
    by, user = get_signed_in_user(request), get_object_or_404(User, pk=pk)
    form = OffboardingForm(request.POST if request.method == "POST" else None, by=by, user=user)
    is_checked = request.method == "POST" and form.is_valid()
    if is_checked and "confirmed" in request.POST:
        given = form.cleaned_data
        try:
            erasure = offboarding.offboard_user(by, user, given["to"], given["kinds"], erase=given["account"] == ERASE)
        except ActionRefused as refusal:
            form.add_error(None, str(refusal))
            is_checked = False
        else:
            if erasure is not None:
                return redirect("privacy:receipt", erasure.pk)
            messages.success(
                request, gettext("%(user)s is signed out everywhere. The account is closed.") % {"user": user}
            )
            return redirect("users:user", pk)
    holdings = offboarding.list_holdings(user)
    kinds = form.cleaned_data["kinds"] if is_checked and form.cleaned_data["to"] else []
    context = {
        "found": user,
        "form": form,
        "holdings": holdings,
        "is_checked": is_checked and "back" not in request.POST,
        "handed_over": [item.text for item in holdings if item.kind in kinds],
        "others": [item.text for item in holdings if item.kind not in kinds],
        "is_self": by.pk == user.pk,
    }
    return render(request, "administration/offboarding.html", context, status=400 if form.errors else 200)
