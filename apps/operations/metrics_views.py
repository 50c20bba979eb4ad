"""`/metrics` for Prometheus, and the middleware that counts requests.

Counters and histograms are those of the web process that answers. What the database knows, as the queue of documents,
is the same in every process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.db import Error, connection
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest

from apps.conversations.models import QueuedQuestion
from apps.documents.models import Document
from apps.images.models import Picture
from apps.lib import metrics, periodic_jobs

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@require_safe
@never_cache
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics to whoever sends METRICS_TOKEN as bearer; 404 where none is set, 401 without it."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    content = metrics.render_process_metrics() + _render_site_metrics()
    return HttpResponse(content, content_type=metrics.CONTENT_TYPE)


def _render_site_metrics() -> bytes:
    """Return the metrics of the database; only that it is down while it does not answer."""
    try:
        found, is_up = [*_collect_documents(), *_collect_pictures(), *_collect_waiting()], 1
    except Error:
        connection.close()
        found, is_up = [], 0
    found.append(GaugeMetricFamily("openbook_database_up", "Whether the database answers.", is_up))
    found.append(
        GaugeMetricFamily(
            "openbook_jobs_overdue",
            "Periodic jobs that have not succeeded for long.",
            len(periodic_jobs.find_overdue()),
        )
    )
    registry = CollectorRegistry()
    registry.register(_Found(found))
    return generate_latest(registry)


class _Found:
    """Collector of metrics that were read before."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> list[Metric]:
        return self._found


def _collect_documents() -> Iterator[Metric]:
    states = GaugeMetricFamily("openbook_documents", "Documents, by state.", labels=["state"])
    counts = dict(Document.objects.order_by().values_list("status").annotate(Count("pk")))
    for state in Document.Status.values:
        states.add_metric([state], counts.get(state, 0))
    yield states
    oldest = Document.objects.filter(status__in=Document.ACTIVE).aggregate(oldest=Min("created"))["oldest"]
    age = (timezone.now() - oldest).total_seconds() if oldest else 0
    yield GaugeMetricFamily(
        "openbook_documents_oldest_waiting_seconds", "Age of the oldest document that is not indexed yet.", age
    )


def _collect_pictures() -> Iterator[Metric]:
    count = Picture.objects.filter(status__in=Picture.ACTIVE).count()
    yield GaugeMetricFamily("openbook_pictures_waiting", "Pictures that wait or are being drawn.", count)


def _collect_waiting() -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "openbook_questions_queued", "Questions that wait for the answer before them.", QueuedQuestion.objects.count()
    )


@sync_and_async_middleware
def count_requests(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Return middleware that counts requests by route, method and status, and measures the time to the response."""
    if iscoroutinefunction(get_response):

        async def async_middleware(request: HttpRequest) -> HttpResponseBase:
            begun = time.perf_counter()
            return _count(request, await get_response(request), begun)

        return async_middleware

    def middleware(request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        return _count(request, get_response(request), begun)

    return middleware


def _count(request: HttpRequest, response: HttpResponseBase, begun: float) -> HttpResponseBase:
    route = request.resolver_match.route if request.resolver_match else "none"
    method = request.method if request.method in _METHODS else "other"
    metrics.REQUESTS.labels(route, method, str(response.status_code)).inc()
    metrics.REQUEST_SECONDS.labels(route).observe(time.perf_counter() - begun)
    return response
