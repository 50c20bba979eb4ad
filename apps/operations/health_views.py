"""Health checks for machines (alive, ready), the model's status for pages, and the page for internal errors."""

from __future__ import annotations

import sys

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.defaults import server_error

from apps.lib import disk_space, draining
from apps.operations import migration_check
from apps.operations.async_permissions import load_signed_in_user
from apps.operations.model_status import get_model_status
from apps.safety.policy import versions
from apps.users.models import User

_PLAIN = "text/plain; charset=utf-8"
_INSUFFICIENT_STORAGE = 507
_RETRY_S = 5
QUEUE_WAIT_S = 2.0  # seconds
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

    Checks that the database answers and is migrated, the data directory is writable, the queue answers, and the policy
    of the site is loaded. The model server is not asked: a slow one must not take the pages down.
    """
    why = _find_obstacle()
    return HttpResponse(f"{why or 'ready'}\n", status=503 if why else 200, content_type=_PLAIN)


def _find_obstacle() -> str:
    """Return why pages cannot be served, in words for an administrator; "" if they can."""
    if draining.is_draining():
        return "draining: the process ends after its running answers"
    try:
        User.objects.exists()
        if not migration_check.is_migrated(connection):
            return "the database is not migrated: run ./run setup"
    except DatabaseError:
        connection.close()
        return "the database does not answer"
    if why := disk_space.find_write_error():
        return why
    if not _is_queue_reachable():
        return "Redis does not answer"
    versions.load_fresh_policy()
    return "the policy is not loaded" if versions.is_stale() else ""


def _is_queue_reachable() -> bool:
    """Return whether Redis answers within QUEUE_WAIT_S; True if the queue is on disk."""
    if not settings.CELERY_BROKER_URL.startswith("redis"):
        return True
    import redis

    try:
        with redis.Redis.from_url(
            settings.CELERY_BROKER_URL, socket_timeout=QUEUE_WAIT_S, socket_connect_timeout=QUEUE_WAIT_S
        ) as server:
            return bool(server.ping())
    except redis.RedisError:
        return False


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
