"""The API: OpenAI's protocol under /v1/, ours under /api/, described at /api/docs."""

from __future__ import annotations

from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from ninja import NinjaAPI

from apps.api import asking as asking  # its operations are in the router of talk
from apps.api import completions, errors, library, talk


def _described(view):  # type: ignore[no-untyped-def]
    """The description is for people who are signed in; its icons are images within its own style sheet."""
    return login_required(csp_update({"img-src": ["data:"]})(view))


api = NinjaAPI(
    title="Openbook", version="1", urls_namespace="api", docs_url="/api/docs", openapi_url="/api/openapi.json",
    docs_decorator=_described,
    description="Everything acts as the person whose token is sent, and sees what that person sees.",
)  # fmt: skip
errors.install(api)
api.add_router("/v1", completions.router)
api.add_router("/api", library.router)
api.add_router("/api", talk.router)
