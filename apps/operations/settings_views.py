"""The settings of the site that administrators change on a page; the rest is the environment's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import BaseModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from apps.conversations.models import Assistant, ModelProfile
from apps.operations.forms import AssistantForm, ModelForm, SignupForm
from apps.users.access import administrators_only
from apps.users.models import SiteSettings


@require_http_methods(["GET", "HEAD", "POST"])
@administrators_only
def settings(request: HttpRequest) -> HttpResponse:
    """Sign-up, the style of the default assistant, and the style with each model that has answered here."""
    data = request.POST or None
    site = SignupForm(data, instance=SiteSettings.current(), prefix="site")
    assistant = AssistantForm(data, instance=Assistant.default(), prefix="assistant")
    models = [ModelForm(data, instance=row, prefix=f"model{row.pk}") for row in ModelProfile.objects.order_by("name")]
    forms: list[BaseModelForm[Any]] = [site, assistant, *models]
    if request.method == "POST" and _valid(forms):
        for form in forms:
            form.save()
        messages.success(request, gettext("Saved."))
        return redirect("operations:settings")
    return render(request, "operations/settings.html", {"site": site, "assistant": assistant, "models": models})


def _valid(forms: list[BaseModelForm[Any]]) -> bool:
    """Whether all are; each is asked, so that every error is shown at once."""
    return sum(not form.is_valid() for form in forms) == 0
