"""Pages of the administration that belong to no other app: what waits, collections, models and the environment. All
are read-only; model servers are changed by `model_views`.

Collections and environment ask for the password again if it was not given within `ACCOUNT_REAUTHENTICATION_TIMEOUT`.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.administration import collections, environment, model_list, to_do
from apps.conversations.assistants import support_rates
from apps.conversations.core import helper_servers
from apps.conversations.models import HelperServer, ModelProfile, ModelServer
from apps.lib.concurrency.threads import in_db
from apps.lib.table import read_table_request
from apps.operations import support_calibration
from apps.operations.async_permissions import administrator_required_async
from apps.users.permissions import administrator_required, get_signed_in_user, password_required, staff_required

View = Callable[..., HttpResponse]


def require_reauthentication(view: View) -> View:
    """Restrict a read-only view to administrators who gave their password recently.

    Other users get 404, anonymous ones the sign-in page. The page is never cached.
    """
    found: View = never_cache(administrator_required(password_required(require_safe(view))))
    return found


@never_cache
@staff_required
@require_safe
def show_to_do(request: HttpRequest) -> HttpResponse:
    """Show what waits for the user. The page of an administrator then asks for `check_to_do`."""
    user = get_signed_in_user(request)
    context = {"items": to_do.list_waiting(user), "is_checking": user.is_administrator}
    return render(request, "administration/to_do.html", context)


@require_safe
@never_cache
@administrator_required_async
async def check_to_do(request: HttpRequest) -> HttpResponse:
    """Return the list of what waits as a fragment, now with the problems that quick checks of the site find."""
    user = get_signed_in_user(request)  # read by the decorator
    items = [*await in_db(to_do.list_waiting, user), *await to_do.find_problems()]
    return HttpResponse(render_to_string("administration/_to_do.html", {"items": items}))


@require_reauthentication
def list_collections(request: HttpRequest) -> HttpResponse:
    """List the collections of all users."""
    table = read_table_request(request.GET, collections.COLUMNS)
    page = table.paginate(collections.list_collections(table.text))
    days = collections.read_retention_days(page)
    context = {"table": table, "page": page, "rows": [(row, days.get(str(row.pk), 0)) for row in page]}
    return render(request, "administration/collections.html", context)


@never_cache
@administrator_required
@require_safe
def show_models(request: HttpRequest) -> HttpResponse:
    """Show the chat models of the environment and of the page, the model servers, other engines and model profiles."""
    rows = {row.kind: row for row in HelperServer.objects.all()}
    context = {
        "models": model_list.list_chat_models(),
        "engines": environment.list_engines(),
        "helpers": [(kind, rows.get(kind.value), helper_servers.is_of_environment(kind)) for kind in HelperServer.Kind],
        "servers": ModelServer.objects.all(),
        "calibrations": list(map(support_rates.describe_calibration, support_rates.find_calibrations())),
        "calibrating": support_calibration.get_progress(),
        "is_fixed": settings.DEFAULT_MODEL_IS_FIXED,
        "profiles": ModelProfile.objects.order_by("name"),
    }
    return render(request, "administration/models.html", context)


@require_reauthentication
def show_environment(request: HttpRequest) -> HttpResponse:
    """Show every environment variable with its value, default and meaning. Secrets are masked."""
    return render(request, "administration/environment.html", {"variables": environment.list_variables()})


@administrator_required
def redirect_old_page(request: HttpRequest, to: str, pk: int | None = None) -> HttpResponse:
    """Redirect an address of the former administration site to the page that took its place."""
    return redirect(to, pk) if pk is not None else redirect(to)
