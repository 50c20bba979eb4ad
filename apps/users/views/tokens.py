"""Page on which users create and revoke their API tokens."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.users.api_tokens import LIMIT, TooManyTokens, create_token, revoke_token
from apps.users.models import ApiToken
from apps.users.permissions import get_signed_in_user, require_password


class TokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("The program that uses it, so that you recognise the token later."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Permissions"), choices=ApiToken.Scope.choices, initial=[ApiToken.Scope.CHAT],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one permission.")},
    )  # fmt: skip
    days = forms.TypedChoiceField(
        label=gettext_lazy("Expires after"), coerce=int,
        choices=[
            ("30", gettext_lazy("30 days")), ("90", gettext_lazy("90 days")), ("365", gettext_lazy("1 year")),
            ("", gettext_lazy("Never")),
        ],
        empty_value=None, required=False, initial="90",
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_tokens(request: HttpRequest) -> HttpResponse:
    """List the user's tokens; a POST asks for the password, creates one and shows its secret once."""
    user = get_signed_in_user(request)
    if request.method == "POST":
        require_password(request)
    form = TokenForm(request.POST if request.method == "POST" else None)
    fresh = ""
    if request.method == "POST" and form.is_valid():
        try:
            fresh = create_token(
                user, form.cleaned_data["name"], form.cleaned_data["scopes"], form.cleaned_data["days"]
            )
            form = TokenForm()
        except TooManyTokens:
            form.add_error(
                None,
                gettext("You have %(limit)s tokens, which is the maximum. Revoke one first.") % {"limit": LIMIT},
            )
    context = {"tokens": ApiToken.objects.filter(user=user), "form": form, "fresh": fresh, "address": settings.SITE_URL}
    return render(request, "users/tokens.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def revoke_own_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a token of the user. An unknown token and one of another user give the same answer."""
    if revoke_token(get_signed_in_user(request), pk):
        messages.success(request, gettext("Token revoked."))
    return redirect("users:tokens")
