"""What a browser may keep and yet asks about each time, so that nothing is shown any more that may not be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag


def respond_conditionally(request: HttpRequest, tag: str, make: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """304 where the browser has it under that tag already, else what `make` gives. Whoever calls has asked whether this
    reader may see it now."""
    etag = quote_etag(tag)
    answer = get_conditional_response(request, etag=etag) or make()
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, no-cache"
    return answer


def compute_etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
