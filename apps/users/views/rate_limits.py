"""Page of a user's own limits, and the page on which administrators change limits."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.users import rate_limits
from apps.users.models import RateLimit
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from apps.users.permissions import administrator_required, get_signed_in_user

SHOWN = (LimitedResource.MESSAGES, LimitedResource.TOKENS, LimitedResource.PICTURES, LimitedResource.UPLOADS)
_MOST = 1_000_000_000


class LimitForm(forms.Form):
    """Form of one limit. Both numbers empty restores the default, or removes the limit of a group."""

    scope = forms.ChoiceField(choices=LimitScope.choices)
    resource = forms.ChoiceField(choices=LimitedResource.choices)
    group = forms.ModelChoiceField(Group.objects.all(), required=False, empty_label=gettext_lazy("Choose a group"))
    burst = forms.IntegerField(min_value=0, max_value=_MOST, required=False)
    an_hour = forms.IntegerField(min_value=0, max_value=_MOST, required=False)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if (found.get("scope") == LimitScope.GROUP) != (found.get("group") is not None):
            raise forms.ValidationError(
                gettext("Choose a group if the limit is for a group. Leave it empty for the other limits.")
            )
        if (found.get("burst") is None) != (found.get("an_hour") is None):
            raise forms.ValidationError(
                gettext("Enter both numbers: the maximum at once, and how much refills within an hour.")
            )
        if (found.get("scope"), found.get("resource")) not in rate_limits.DEFAULTS and found.get(
            "scope"
        ) != LimitScope.GROUP:
            raise forms.ValidationError(gettext("This limit does not exist."))
        return found

    @property
    def rate(self) -> Rate | None:
        """Return the rate of a valid form; None to restore the default."""
        burst = self.cleaned_data["burst"]
        return None if burst is None else Rate(burst, self.cleaned_data["an_hour"])


@require_safe
@never_cache
@login_required
def show_own_limits(request: HttpRequest) -> HttpResponse:
    """Show the units left in each of the user's buckets, and the time until more is there."""
    user = get_signed_in_user(request)
    held = [(resource, one) for resource in SHOWN for one in rate_limits.list_buckets(user, resource)]
    left = rate_limits.read_levels([one for _, one in held])
    rows = [
        {
            "resource": resource.label,
            "whose": one.whose,
            "left": max(0, int(level)),
            "burst": one.rate.burst,
            "an_hour": one.rate.an_hour,
            "wait_s": one.rate.wait_s(1 - level) if level < 1 else 0,
        }
        for (resource, one), level in zip(held, left, strict=True)
    ]
    return render(request, "users/rate_limits.html", {"rows": rows})


@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_limits(request: HttpRequest) -> HttpResponse:
    """List every limit; a POST changes one."""
    form = LimitForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        group = data["group"].pk if data["group"] else None
        rate_limits.change_limit(data["scope"], data["resource"], form.rate, group, get_signed_in_user(request))
        messages.success(request, gettext("Saved. In effect within five seconds."))
        return redirect("users:limit_settings")
    own = {(row.scope, row.resource): row for row in RateLimit.objects.filter(group=None)}
    rows = [
        {
            "scope": scope,
            "scope_label": LimitScope(scope).label,
            "resource": resource,
            "label": LimitedResource(resource).label,
            "now": own.get((scope, resource), default),
            "default": default,
            "changed": (scope, resource) in own,
        }
        for (scope, resource), default in rate_limits.DEFAULTS.items()
    ]
    groups = (
        RateLimit.objects.filter(scope=LimitScope.GROUP).select_related("group").order_by("group__name", "resource")
    )
    context = {"rows": rows, "groups": groups, "form": form, "resources": SHOWN, "everyone": Group.objects.all()}
    return render(request, "users/rate_limit_settings.html", context, status=400 if form.errors else 200)
