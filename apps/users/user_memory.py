"""Facts that users write about themselves and that answers use; users can edit, disable and delete them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext_lazy

from apps.users.models import User

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


def save_facts(user: User, forms: Sequence[FactForm], *, used: bool) -> None:
    """Replace the user's facts by those of the valid forms, without empty ones. `used`: answers use facts at all."""
    filled = [one.cleaned_data for one in forms if one.cleaned_data.get("text")]
    rows = [{"text": " ".join(one["text"].split()), "on": one["on"]} for one in filled]
    User.objects.filter(pk=user.pk).update(facts=rows, uses_memory=used)


def delete_facts(user: User) -> None:
    """Delete all facts of the user."""
    User.objects.filter(pk=user.pk).update(facts=[])
