"""Turn exceptions into JSON error responses: `{"detail"}` under /api/, `{"error": {…}}` under /v1/ as OpenAI has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from apps.conversations.errors import ConversationBusy, NotFoundOrForbidden, RequestRefused, ServerRestarting
from apps.documents.library.uploads import DiskFull, UploadRefused
from apps.engines.types import EngineBusy, EngineError, EngineRefused
from apps.safety.policy import helplines
from apps.safety.policy.user_messages import is_crisis_support
from apps.users.rate_limits import RateLimited


class ApiError(HttpError):
    """Error of a request, with its HTTP status and a sentence for the client.

    `param` is the field at fault, `code` the error code of the OpenAI protocol if it has one, `headers` are added to
    the response.
    """

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(status, message)
        self.param, self.code, self.headers = param, code, headers or {}


_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_NO_TOKEN = "Send a personal token in the header “Authorization: Bearer ob_…”; this one is unknown, expired or revoked."  # noqa: S105
_RETRY_S = "5"


def install_handlers(api: NinjaAPI) -> None:
    """Register a handler for each exception that an operation of `api` may raise."""

    @api.exception_handler(AuthenticationError)
    def handle_no_token(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return refuse_token(api, request)

    @api.exception_handler(HttpError)
    def handle_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
        return _respond_http_error(api, request, error)

    @api.exception_handler(NotFoundOrForbidden)
    @api.exception_handler(Http404)
    def handle_not_found(request: HttpRequest, error: Exception) -> HttpResponse:
        return build_error_response(api, request, "Nothing with this ID was found.", 404)

    @api.exception_handler(ValidationError)
    def handle_validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
        message, param = _format_validation_errors(error.errors), "".join(map(_format_field_path, error.errors[:1]))
        return build_error_response(
            api, request, message, 400 if _is_openai_path(request) else 422, param=param or None
        )

    @api.exception_handler(UploadRefused)
    @api.exception_handler(RequestRefused)
    def handle_refusal(request: HttpRequest, error: Exception) -> HttpResponse:
        if isinstance(error, ConversationBusy):
            return build_error_response(api, request, str(error), 429, _RETRY_S)
        if isinstance(error, ServerRestarting):
            return build_error_response(api, request, str(error), 503, _RETRY_S)
        return build_error_response(api, request, str(error), 507 if isinstance(error, DiskFull) else 400)

    @api.exception_handler(RateLimited)
    def handle_rate_limit(request: HttpRequest, error: RateLimited) -> HttpResponse:
        return build_error_response(api, request, str(error), 429, str(error.retry_s), code="rate_limit_exceeded")

    @api.exception_handler(EngineError)
    def handle_engine_error(request: HttpRequest, error: EngineError) -> HttpResponse:
        return build_error_response(api, request, str(error), _map_status(error), _RETRY_S if error.retry else "")


def refuse_token(api: NinjaAPI, request: HttpRequest) -> HttpResponse:
    """Return the 401 of a request without a living token."""
    response = build_error_response(api, request, _NO_TOKEN, 401, code="invalid_api_key")
    response["WWW-Authenticate"] = "Bearer"
    return response


def _respond_http_error(api: NinjaAPI, request: HttpRequest, error: HttpError) -> HttpResponse:
    if not isinstance(error, ApiError):
        return build_error_response(api, request, str(error), error.status_code)
    response = build_error_response(api, request, str(error), error.status_code, param=error.param, code=error.code)
    for name, value in error.headers.items():
        response[name] = value
    return response


def _map_status(error: EngineError) -> int:
    return 400 if isinstance(error, EngineRefused) else 429 if isinstance(error, EngineBusy) else 503


def build_error_response(
    api: NinjaAPI,
    request: HttpRequest,
    message: str,
    status: int,
    retry_s: str = "",
    *,
    param: str | None = None,
    code: str | None = None,
) -> HttpResponse:
    """Return a JSON error response; `retry_s` is the value of the Retry-After header, in seconds, "" for none."""
    response = api.create_response(request, build_error_body(request, message, status, param, code), status=status)
    if retry_s:
        response["Retry-After"] = retry_s
    return response


def build_error_body(
    request: HttpRequest, message: str, status: int, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """Return the JSON body of an error in the shape that clients of this path expect."""
    if request.path.startswith("/scim/"):  # RFC 7644 §3.12
        return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": message}
    return (
        build_openai_error(message, status, param, code)
        if _is_openai_path(request)
        else {"detail": message, **_build_help(message)}
    )


def _build_help(message: str) -> dict[str, object]:
    """Return helplines under "help" if the text answers a user who speaks of hurting themselves; else {}."""
    return {"help": helplines.select_helplines().to_json()} if is_crisis_support(message) else {}


def build_openai_error(message: str, status: int, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """Return the body of an error in the shape of the OpenAI protocol."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code, **_build_help(message)}}


def _is_openai_path(request: HttpRequest) -> bool:
    return request.path.startswith("/v1/")


def _format_validation_errors(errors: list[dict[str, Any]]) -> str:
    """Return the first three validation errors as one text of at most 600 characters, each with its field."""
    parts = []
    for error in errors[:3]:
        field_path = _format_field_path(error)
        parts.append(
            f"{field_path}: {error.get('msg', 'not readable')}" if field_path else str(error.get("msg", "not readable"))
        )
    return "; ".join(parts)[:600]


def _format_field_path(error: dict[str, Any]) -> str:
    """Return the dotted path of the field at fault, without the names of our own parameters."""
    own_parameters = {"body", "query", "path", "data", "payload"}
    return ".".join(str(part) for part in error.get("loc", ()) if part not in own_parameters)
