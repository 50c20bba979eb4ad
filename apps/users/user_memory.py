"""Facts that users write about themselves and that answers use; users can edit, disable and delete them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import BaseFormSet, formset_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from apps.users import consents
from apps.users.consents import Consent
from apps.users.models import User
from apps.users.permissions import get_signed_in_user

MAX_FACTS, MAX_FACT_CHARACTERS = 50, 300


class FactForm(forms.Form):
    """Form of one fact; `on` is whether answers use it."""

    text = forms.CharField(label=gettext_lazy("Fact"), max_length=MAX_FACT_CHARACTERS, required=False)
    on = forms.BooleanField(label=gettext_lazy("Use"), required=False, initial=True)


Facts = formset_factory(FactForm, extra=1, max_num=MAX_FACTS, validate_max=True)


def list_facts(user: User) -> list[str]:
    """Return the facts that answers use, in the user's order; [] if the user has switched memory off."""
    return [fact["text"] for fact in user.facts if fact["on"]] if user.uses_memory else []


def build_fact_formset(user: User, sent: Any = None) -> BaseFormSet[FactForm]:
    """Return the formset of the user's facts, bound to `sent` if given."""
    return Facts(sent, initial=user.facts, prefix="fact")


@login_required
@require_POST
def edit_memory(request: HttpRequest) -> HttpResponse:
    """Replace the user's facts by those of the form, without empty ones; with `clear` delete all."""
    user = get_signed_in_user(request)
    if "clear" in request.POST:
        User.objects.filter(pk=user.pk).update(facts=[])
        messages.success(request, gettext("Deleted. Nothing is remembered about you."))
        return redirect("users:instructions")
    sent = build_fact_formset(user, request.POST)
    if not sent.is_valid():
        return render(request, "users/instructions.html", {"facts": sent, "form": None}, status=400)
    filled = [one.cleaned_data for one in sent.forms if one.cleaned_data.get("text")]
    rows = [{"text": " ".join(one["text"].split()), "on": one["on"]} for one in filled]
    User.objects.filter(pk=user.pk).update(facts=rows, uses_memory="remembers" in request.POST)
    consents.change_consent(user, Consent.RATED, "lends" in request.POST)
    messages.success(request, gettext("Saved. Used from your next question on."))
    return redirect("users:instructions")
