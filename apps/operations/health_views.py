"""Health checks for machines (alive, ready), the model's status for pages, and the page for internal errors."""

from __future__ import annotations

import sys

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.defaults import server_error

from apps.lib import disk_space
from apps.operations.async_permissions import load_signed_in_user
from apps.operations.model_status import get_model_status
from apps.safety.policy import versions
from apps.users.models import User

_PLAIN = "text/plain; charset=utf-8"
_INSUFFICIENT_STORAGE = 507
_RETRY_S = 5
_DISK_FULL = b"The disk of this server is full, so nothing can be taken now. Please tell an administrator.\n"


@require_safe
@never_cache
def check_alive(request: HttpRequest) -> HttpResponse:
    """Return 200 without checking anything else."""
    return HttpResponse("alive\n", content_type=_PLAIN)


@require_safe
@never_cache
def check_ready(request: HttpRequest) -> HttpResponse:
    """Return 200 if pages can be served, else 503.

    Checks that the database has its tables, the data directory is writable, and the policy of the site is loaded.
    """
    try:
        User.objects.exists()
    except DatabaseError:
        connection.close()
        return HttpResponse("the database does not answer\n", status=503, content_type=_PLAIN)
    if why := disk_space.find_write_error():
        return HttpResponse(f"{why}\n", status=503, content_type=_PLAIN)
    versions.load_fresh_policy()
    if versions.is_stale():
        return HttpResponse("the policy is not loaded\n", status=503, content_type=_PLAIN)
    return HttpResponse("ready\n", content_type=_PLAIN)


@require_safe
@never_cache
async def show_model_status(request: HttpRequest) -> HttpResponse:
    """Return the status of the model as a fragment while it is not warm; an empty one ends the polling."""
    user = await load_signed_in_user(request)
    if user is None:
        return HttpResponse(status=204)
    context = {"warmth": await get_model_status(), "administrator": user.is_administrator}
    return HttpResponse(render_to_string("operations/_status.html", context))


def answer_fault(request: HttpRequest) -> HttpResponse:
    """Return the response to a failed request: 507 if the disk is full, 503 while the database server is away, else
    500.

    Must be called while the exception is being handled.
    """
    if disk_space.is_disk_full_error(sys.exception()):
        return build_disk_full_response()
    if isinstance(sys.exception(), (OperationalError, InterfaceError)) and connection.vendor != "sqlite":
        page = render_to_string("503.html")
        return HttpResponse(page, status=503, headers={"Retry-After": str(_RETRY_S)})
    return server_error(request)


def build_disk_full_response() -> HttpResponse:
    """Return the response 507 of a server whose disk is full."""
    return HttpResponse(_DISK_FULL, content_type=_PLAIN, status=_INSUFFICIENT_STORAGE)
