"""Metrics of this process in the format of Prometheus. `/metrics` shows them beside those of the site.

Modules import the metric that they change; `render_process_metrics` returns all as text. No label holds a user, a
question, a file or another value that users choose: label values come from the code alone.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, Summary
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
REGISTRY = CollectorRegistry()
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_SEARCH_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

TURNS = Counter(
    "openbook_turns", "Answers that ended, by surface and outcome.", ["surface", "outcome"], registry=REGISTRY
)
TURN_SECONDS = Histogram(
    "openbook_turn_seconds", "Seconds from question to the end of an answer.", buckets=_SECONDS, registry=REGISTRY
)
FIRST_TOKEN_SECONDS = Histogram(
    "openbook_turn_first_token_seconds", "Seconds from question to the model's first token.", buckets=_SECONDS,
    registry=REGISTRY,
)  # fmt: skip
TURNS_RUNNING = Gauge("openbook_turns_running", "Answers that are being written now.", registry=REGISTRY)
TURNS_WAITING = Gauge("openbook_turns_waiting", "Answers that wait for a place at a model server.", registry=REGISTRY)
TOKENS = Counter("openbook_tokens", "Tokens that models read and wrote.", registry=REGISTRY)
SEARCH_SECONDS = Histogram(
    "openbook_search_seconds", "Seconds of a search in documents.", buckets=_SEARCH_SECONDS, registry=REGISTRY
)
SOCKETS = Gauge("openbook_sockets", "Open WebSockets of pages.", registry=REGISTRY)
ENGINE_ERRORS = Counter(
    "openbook_engine_errors",
    "Errors of model servers, indexes and other engines, by kind.",
    ["kind"],
    registry=REGISTRY,
)
REQUESTS = Counter(
    "openbook_http_requests", "HTTP requests, by route, method and status.", ["route", "method", "status"],
    registry=REGISTRY,
)  # fmt: skip
REQUEST_SECONDS = Summary(
    "openbook_http_request_seconds", "Seconds until the response begins, by route.", ["route"], registry=REGISTRY
)
ProcessCollector(registry=REGISTRY)


def render_process_metrics() -> bytes:
    """Return the metrics of this process."""
    return generate_latest(REGISTRY)
