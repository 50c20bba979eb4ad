"""Page of the site's settings in the database. Other settings come from environment variables."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.forms import BaseModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from apps.conversations.models import Assistant, ModelProfile
from apps.operations.forms import DefaultStyleForm, ModelStyleForm, SignupModeForm
from apps.safety.audit_log import audit
from apps.users.models import SiteSettings, User
from apps.users.permissions import administrator_required, get_signed_in_user, require_password
from apps.users.second_factor import requirement
from apps.users.sessions import is_by_provider
from apps.users.site_texts import refresh_site_texts


@require_http_methods(["GET", "HEAD", "POST"])
@administrator_required
def edit_settings(request: HttpRequest) -> HttpResponse:
    """Show rules of sign-up and sign-in, texts of the site, and answer style by default and per chat model.

    A POST saves all. A change of who needs a second factor asks for the password, and ends the sessions of those who
    have none.
    """
    data, by = request.POST or None, get_signed_in_user(request)
    by_provider = is_by_provider(dict(request.session.items()))
    site = SignupModeForm(data, instance=SiteSettings.current(), prefix="site", by=by, by_provider=by_provider)
    assistant = DefaultStyleForm(data, instance=Assistant.default(), prefix="assistant")
    models = [
        ModelStyleForm(data, instance=row, prefix=f"model{row.pk}") for row in ModelProfile.objects.order_by("name")
    ]
    forms: list[BaseModelForm[Any]] = [site, assistant, *models]
    if request.method == "POST" and _valid(forms):
        if "second_factor" in site.changed_data:
            require_password(request)
        with transaction.atomic():
            for form in forms:
                _save(form, by)
        refresh_site_texts()
        if "second_factor" in site.changed_data:
            requirement.end_unmet_sessions()
        messages.success(request, gettext("Saved."))
        return redirect("operations:settings")
    return render(request, "operations/settings.html", {"site": site, "assistant": assistant, "models": models})


def _valid(forms: list[BaseModelForm[Any]]) -> bool:
    """Return whether all forms are valid. Each is validated, so that all errors are shown at once."""
    return sum(not form.is_valid() for form in forms) == 0


def _save(form: BaseModelForm[Any], user: User) -> None:
    """Save the form, and log each changed field with its previous value."""
    subject = "settings" if isinstance(form.instance, SiteSettings) else f"settings {form.instance}"
    for name in form.changed_data:
        facts = {"name": name, "before": form.get_initial_for_field(form.fields[name], name)}
        audit.record_event("settings.changed", actor=user, subject=subject, **facts, after=form.cleaned_data[name])
    form.save()
