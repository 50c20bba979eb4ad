"""Answer requests of SCIM: reduce what is sent, have scim2-server serve it, and answer every error in its form.

Entry point: `answer`. Imported at the first request, as the packages of SCIM take seconds.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from scim2_models import (
    PatchOp,
    PayloadTooLargeException,
    Resource,
    ResourceType,
    SCIMException,
    UniquenessException,
)
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import SCIM_MEDIA_TYPE, ScimResponse
from scim2_server.service import ScimService
from scim2_server.utils import parametrize

from apps.administration.directory.payloads import reduce_creation, reduce_patch, reduce_resource
from apps.administration.directory.schema import PROVIDER
from apps.administration.directory.storage import DirectoryStorage

log = logging.getLogger(__name__)


class DirectoryService(ScimService):
    """Protocol of SCIM that drops what this site does not know."""

    def read_creation(self, resource_type: ResourceType, body: bytes, content_type: str | None) -> Resource[Any]:
        return super().read_creation(resource_type, _reduce(body, reduce_creation, resource_type), content_type)

    def read_replacement(self, resource_type: ResourceType, body: bytes, content_type: str | None) -> Resource[Any]:
        return super().read_replacement(resource_type, _reduce(body, reduce_resource, resource_type), content_type)

    def read_patch(self, resource_type: ResourceType, body: bytes, content_type: str | None) -> PatchOp[Any]:
        reduced = _reduce(body, reduce_patch, resource_type)
        if reduced != body and not any(json.loads(reduced).get(name) for name in ("Operations", "operations")):
            # Nothing that this site has: the resource stays.
            return parametrize(PatchOp, self.get_model(resource_type)).model_construct(operations=[])
        return super().read_patch(resource_type, reduced, content_type)


def _reduce(body: bytes, reduce: Callable[[Mapping[str, Any], str], dict[str, Any]], kind: ResourceType) -> bytes:
    """Return the body with known attributes only; as it is if it holds no object, which the validation refuses."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return body
    return json.dumps(reduce(content, str(kind.name))).encode() if isinstance(content, dict) else body


_service = DirectoryService(PROVIDER)
_handler = ScimHandler(_service, DirectoryStorage())


def answer(request: HttpRequest, path: str) -> HttpResponse:
    """Return the answer to a request that has a valid token."""
    try:
        asked = ScimRequest(
            method=request.method or "", base_url=f"{settings.SITE_URL}/scim/v2", path=f"/{path}",
            query=request.GET.dict(), headers=dict(request.headers), body=request.body,
        )  # fmt: skip
        return _respond(_handler.handle(asked))
    except RequestDataTooBig:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return refuse(PayloadTooLargeException(detail=f"A request may have {limit} bytes."))
    except IntegrityError:  # two requests at the same time
        return refuse(UniquenessException(detail="Another request made the same. Try again."))
    except SCIMException as error:
        return refuse(error)
    except Exception as error:
        log.exception("A request of the directory failed: %s %s", request.method, request.path)
        return _respond(_service.error_response(error))


def refuse(error: SCIMException) -> HttpResponse:
    """Return the answer of an error."""
    return _respond(_service.error_response(error))


def _respond(response: ScimResponse) -> HttpResponse:
    content = b"" if response.body is None else json.dumps(response.body).encode()
    found = HttpResponse(content, status=int(response.status), content_type=SCIM_MEDIA_TYPE)
    for name, value in response.headers.items():
        found[name] = value
    return found
