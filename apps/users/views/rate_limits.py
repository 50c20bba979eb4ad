"""Page of a user's own limits, and the page on which administrators change limits."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.users import rate_limits, usage_limits
from apps.users.models import RateLimit, User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from apps.users.permissions import administrator_required, get_signed_in_user
from apps.users.views.usage import list_months_of

SHOWN = (LimitedResource.MESSAGES, LimitedResource.TOKENS, LimitedResource.PICTURES, LimitedResource.UPLOADS)
_MAX_RATE = 1_000_000_000


class RateForm(forms.Form):
    """Form of one limit. Both numbers empty restores the default, or removes the limit of a group."""

    burst = forms.IntegerField(label=gettext_lazy("Maximum at once"), min_value=0, max_value=_MAX_RATE, required=False)
    per_hour = forms.IntegerField(
        label=gettext_lazy("Refill per hour"), min_value=0, max_value=_MAX_RATE, required=False
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and (values.get("burst") is None) != (values.get("per_hour") is None):
            raise forms.ValidationError(gettext("Enter both numbers: “Maximum at once” and “Refill per hour”."))
        return values

    @property
    def rate(self) -> Rate | None:
        """Return the rate of a valid form; None to restore the default."""
        burst = self.cleaned_data["burst"]
        return None if burst is None else Rate(burst, self.cleaned_data["per_hour"])


class GroupLimitForm(RateForm):
    """Form of the limit that the members of a group share."""

    group = forms.ModelChoiceField(
        Group.objects.all(), label=gettext_lazy("Group"), empty_label=gettext_lazy("Choose a group")
    )
    resource = forms.ChoiceField(label=gettext_lazy("Limit"), choices=LimitedResource.choices)


@require_safe
@never_cache
@login_required
def show_own_limits(request: HttpRequest) -> HttpResponse:
    """Show the units left in each of the user's buckets, and the time until more is there."""
    user = get_signed_in_user(request)
    buckets = [(resource, one) for resource in SHOWN for one in rate_limits.list_buckets(user, resource)]
    levels = rate_limits.read_levels([one for _, one in buckets])
    rows = [
        {
            "resource": resource.label,
            "holder": one.holder,
            "left": max(0, int(level)),
            "burst": one.rate.burst,
            "per_hour": one.rate.per_hour,
            "wait_s": one.rate.wait_s(1 - level) if level < 1 else 0,
        }
        for (resource, one), level in zip(buckets, levels, strict=True)
    ]
    context = {"rows": rows, "standings": usage_limits.list_standings_of(user), "months": list_months_of(user)}
    return render(request, "users/rate_limits.html", context)


@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_limits(request: HttpRequest) -> HttpResponse:
    """Show every limit. A POST with `group` changes one limit of that group, any other POST all of users and addresses.

    Status 400, and nothing is stored, if one of the numbers is wrong.
    """
    by = get_signed_in_user(request)
    sent = request.POST if request.method == "POST" else None
    group_form = GroupLimitForm(sent if sent is not None and "group" in sent else None)
    rows = _list_rows(sent if sent is not None and "group" not in sent else None)
    if group_form.is_bound and group_form.is_valid():
        data = group_form.cleaned_data
        rate_limits.change_limit(LimitScope.GROUP, data["resource"], group_form.rate, data["group"].pk, by)
    elif sent is not None and not group_form.is_bound and all(row["form"].is_valid() for row in rows):
        _store_rows(rows, by)
    else:
        groups = RateLimit.objects.filter(scope=LimitScope.GROUP).select_related("group")
        context = {
            "rows": rows,
            "groups": groups.order_by("group__name", "resource"),
            "form": group_form,
            "resources": SHOWN,
            "everyone": Group.objects.all(),
        }
        return render(request, "users/rate_limit_settings.html", context, status=200 if sent is None else 400)
    messages.success(request, gettext("Saved."))
    return redirect("users:limit_settings")


def _list_rows(sent: QueryDict | None) -> list[dict[str, Any]]:
    """Return one row with its form per limit of users and addresses, filled with the limits in force."""
    own = {(row.scope, row.resource): row for row in RateLimit.objects.filter(group=None)}
    rows = []
    for (scope, resource), default in rate_limits.DEFAULTS.items():
        stored = own.get((scope, resource))
        now = Rate(stored.burst, stored.per_hour) if stored else default
        initial = {"burst": now.burst, "per_hour": now.per_hour}
        rows.append(
            {
                "scope": scope,
                "scope_label": LimitScope(scope).label,
                "resource": resource,
                "label": LimitedResource(resource).label,
                "now": now,
                "default": default,
                "changed": stored is not None,
                "form": RateForm(sent, initial=initial, prefix=f"{scope}-{resource}"),
            }
        )
    return rows


def _store_rows(rows: list[dict[str, Any]], by: User) -> None:
    """Store and log the limits that were changed, in one transaction."""
    with transaction.atomic():
        for row in rows:
            wanted = row["form"].rate
            if (wanted or row["default"]) != row["now"] or (wanted is None and row["changed"]):
                rate_limits.change_limit(row["scope"], row["resource"], wanted, None, by)
