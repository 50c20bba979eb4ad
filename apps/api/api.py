"""Assemble the HTTP API: OpenAI protocol under /v1/, REST operations under /api/, OpenAPI description at /api/docs.

Entry point: `api`, whose `urls` the root URLconf includes.
"""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.operation import Operation

from apps.api import (
    conversations,
    documents,
    errors,
    questions,  # noqa: F401 - its operations are in the router of conversations
)
from apps.api.auth import find_caller
from apps.api.openai import views


def _described(view):  # type: ignore[no-untyped-def]
    """Show the description to users who are signed in and to programs with a token, whatever its scopes."""
    page = csp_update({"img-src": ["data:"]})(view)  # icons of its own style sheet

    def described(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        header = request.headers.get("Authorization", "")
        if not header:
            return login_required(page)(request, *args, **kwargs)
        if find_caller(header) is None:
            return errors.refuse_token(api, request)
        return page(request, *args, **kwargs)

    return described


class OpenbookAPI(NinjaAPI):
    """API whose operation ids do not change when a module moves: generated clients name their methods by them."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the view function, which is unique among the described operations."""
        return operation.view_func.__name__


api = OpenbookAPI(
    title="Openbook", version="1", urls_namespace="api", docs_url="/api/docs", openapi_url="/api/openapi.json",
    docs_decorator=_described,
    description="Every request acts as the user whose token is sent, and sees what that user sees.",
)  # fmt: skip
errors.install_handlers(api)
api.add_router("/v1", views.router)
api.add_router("/api", documents.router)
api.add_router("/api", conversations.router)
