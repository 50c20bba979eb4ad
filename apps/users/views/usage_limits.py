"""Page on which administrators limit questions and tokens by chat model and group."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.engines import registry
from apps.users import usage_limits
from apps.users.models import UsageLimit
from apps.users.permissions import administrator_required, get_signed_in_user

_MOST = 1_000_000_000_000
_EACH, _SHARED = "each", "shared"


class UsageLimitForm(forms.Form):
    """Form of a new limit; one of the same kind gets the new amount."""

    group = forms.ModelChoiceField(
        Group.objects.order_by("name"), label=gettext_lazy("For"), required=False, empty_label=gettext_lazy("everyone")
    )
    model = forms.ChoiceField(label=gettext_lazy("Model"), required=False)
    amount = forms.IntegerField(label=gettext_lazy("At most"), min_value=0, max_value=_MOST)
    figure = forms.ChoiceField(label=gettext_lazy("Of what"), choices=UsageLimit.Figure.choices)
    period = forms.ChoiceField(label=gettext_lazy("How long"), choices=UsageLimit.Period.choices)
    shared = forms.ChoiceField(
        label=gettext_lazy("Counted"),
        choices=[(_EACH, gettext_lazy("for each user")), (_SHARED, gettext_lazy("for all of them together"))],
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        shown = _label_models()
        known = usage_limits.list_known_models(shown)
        self.fields["model"].choices = [  # type: ignore[attr-defined]
            ("", gettext("all models")), *((name, shown.get(name, name)) for name in known)
        ]  # fmt: skip

    def clean_shared(self) -> bool:
        return bool(self.cleaned_data["shared"] == _SHARED)


@never_cache
@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_usage_limits(request: HttpRequest) -> HttpResponse:
    """List the limits with what was used of them; a POST sets one."""
    form = UsageLimitForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        usage_limits.set_limit(get_signed_in_user(request), **form.cleaned_data)
        messages.success(request, gettext("Saved. It holds everywhere within seconds."))
        return redirect("users:usage_limits")
    context = {"standings": usage_limits.list_standings(), "form": form}
    return render(request, "users/usage_limits.html", context, status=400 if form.errors else 200)


@administrator_required
@require_POST
def remove_usage_limit(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a limit."""
    usage_limits.remove_limit(get_signed_in_user(request), get_object_or_404(UsageLimit, pk=pk))
    messages.success(request, gettext("Limit removed."))
    return redirect("users:usage_limits")


def _label_models() -> dict[str, str]:
    """Return what users call each chat model, with its name on its server where that differs, by the latter."""
    found = {}
    for model in registry.list_chat_models():
        if served := registry.get_chat_engine(model.name).served_name:
            found[served] = f"{model.label} ({served})" if model.label not in ("", served) else served
    return found
