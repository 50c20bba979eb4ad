"""Conditional responses that a browser may cache but must revalidate, so that withdrawn content is never shown from a
cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag


def respond_conditionally(request: HttpRequest, tag: str, make: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Return 304 if the browser holds the content under `tag`, else the response of `make`. The caller has checked that
    the user may see it now."""
    etag = quote_etag(tag)
    answer = get_conditional_response(request, etag=etag) or make()
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, no-cache"
    return answer


def compute_etag(content: bytes) -> str:
    """Return the first 32 hexadecimal digits of the content's SHA-256."""
    return hashlib.sha256(content).hexdigest()[:32]
