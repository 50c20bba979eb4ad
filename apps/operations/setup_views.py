"""Set-up pages: administrator, chat model, embedder and sample collection, then a chat with a cited answer."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.conversations.core.requests import AskRequest, clean_question
from apps.conversations.errors import RequestRefused
from apps.conversations.turns import runner
from apps.conversations.turns.preparation import SessionEnded
from apps.documents.library.uploads import UploadRefused
from apps.engines.types import EngineBusy, EngineError
from apps.lib.concurrency.threads import in_db
from apps.operations import engine_probes, first_administrator, model_status, sample_collection
from apps.operations.async_permissions import administrator_required_async
from apps.operations.forms import AdministratorForm
from apps.users.permissions import administrator_required, get_signed_in_user
from apps.users.sessions import note_device

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_http_methods(["GET", "HEAD", "POST"])
def show_setup(request: HttpRequest) -> HttpResponse:
    """Show the first step while there is no administrator, all steps to administrators, and 404 to others."""
    if not first_administrator.has_administrator():
        return _first_step(request)
    if not request.user.is_authenticated or not get_signed_in_user(request).is_administrator:
        raise Http404
    return render(
        request,
        "operations/setup.html",
        {"progress": sample_collection.get_progress(), "questions": sample_collection.QUESTIONS},
    )


def _first_step(request: HttpRequest) -> HttpResponse:
    needed = first_administrator.is_code_needed(request)
    if needed and request.method != "POST":
        first_administrator.log_setup_code()
    form = AdministratorForm(request.POST or None, code_needed=needed)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            user = first_administrator.create_administrator(data["email"], data["password"], data["name"])
        except first_administrator.AdministratorExists:
            return redirect("account_login")
        login(request, user, backend=_BACKEND)
        note_device(request)
        return redirect("operations:setup")
    return render(request, "operations/setup.html", {"form": form})


@require_GET
@administrator_required_async
async def show_model_step(request: HttpRequest) -> HttpResponse:
    """Return the result of probing the chat model, as a fragment that polls while the server starts."""
    return await _step("operations/_setup_model.html", engine_probes.probe_chat_model)


@require_GET
@administrator_required_async
async def show_reading_step(request: HttpRequest) -> HttpResponse:
    """Return how well the chat model reads, as a fragment; measured now if it was not before. While it is measured the
    fragment asks again."""
    context: dict[str, Any] = {}
    try:
        context["words"] = await engine_probes.probe_reading()
    except EngineBusy:
        context["is_measuring"] = True
    except EngineError as error:
        context["words"] = gettext("%(error)s Its reading is tested later.") % {"error": error}
    return HttpResponse(render_to_string("operations/_setup_reading.html", context))


@require_GET
@administrator_required_async
async def show_embedding_step(request: HttpRequest) -> HttpResponse:
    """Return the result of probing the embedder, as a fragment."""
    return await _step("operations/_setup_embedding.html", engine_probes.probe_embedder)


async def _step(template: str, probe: Callable[[], Awaitable[Any]]) -> HttpResponse:
    context: dict[str, Any] = {}
    try:
        context["found"] = await probe()
    except EngineError as error:
        context |= {"error": str(error), "retry": error.retry, "away": (await model_status.get_model_status()).away}
    return HttpResponse(render_to_string(template, context))


@require_http_methods(["GET", "HEAD", "POST"])
@administrator_required
def show_sample_step(request: HttpRequest) -> HttpResponse:
    """Show the progress of the sample collection; a POST loads it."""
    refused = ""
    if request.method == "POST":
        try:
            sample_collection.load_sample(get_signed_in_user(request))
        except UploadRefused as error:
            refused = str(error)
        if not request.headers.get("HX-Request"):
            return redirect("operations:setup")
    context = {
        "progress": sample_collection.get_progress(),
        "questions": sample_collection.QUESTIONS,
        "refused": refused,
    }
    return render(request, "operations/_setup_sample.html", context)


@require_POST
@administrator_required_async
async def start_sample_chat(request: HttpRequest) -> HttpResponse:
    """Ask the sample collection a question in a new conversation, and redirect there."""
    progress = await in_db(sample_collection.get_progress)
    if progress.collection is None:
        raise Http404
    try:
        ask_request = AskRequest(
            client_id=secrets.token_hex(16),
            text=clean_question(request.POST.get("question") or sample_collection.QUESTIONS[0]),
            collections=(progress.collection.pk,),
        )
        turn_ids = await runner.submit_request(
            get_signed_in_user(request), request.session.session_key or "", ask_request
        )
    except (RequestRefused, SessionEnded, EngineError) as error:
        return HttpResponse(
            str(error) or gettext("Sign in again."), status=409, content_type="text/plain; charset=utf-8"
        )
    return redirect(f"/c/{turn_ids.conversation_id}/")
