"""Set-up: four steps, each really tested, ending in a chat with a cited answer."""

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

from apps.conversations.core.requests import AskRequest, RequestRefused, clean_question
from apps.conversations.turns import runner
from apps.conversations.turns.preparation import SessionEnded
from apps.documents.library.uploads import UploadRefused
from apps.engines.base import EngineError
from apps.lib.threads import in_db
from apps.operations import administrator, probes, sample, warmth
from apps.operations.access import administrators_only_async
from apps.operations.forms import AdministratorForm
from apps.users.access import administrators_only, person

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """The four steps for the administrator, the first one for whoever comes first, nothing for anybody else."""
    if not administrator.exists():
        return _first_step(request)
    if not request.user.is_authenticated or not person(request).is_administrator:
        raise Http404
    return render(request, "operations/setup.html", {"progress": sample.progress(), "questions": sample.QUESTIONS})


def _first_step(request: HttpRequest) -> HttpResponse:
    needed = administrator.code_needed(request)
    if needed and request.method != "POST":
        administrator.tell_code()
    form = AdministratorForm(request.POST or None, code_needed=needed)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            user = administrator.create(data["email"], data["password"], data["name"])
        except administrator.Taken:
            return redirect("account_login")
        login(request, user, backend=_BACKEND)
        return redirect("operations:setup")
    return render(request, "operations/setup.html", {"form": form})


@require_GET
@administrators_only_async
async def model(request: HttpRequest) -> HttpResponse:
    """Whether the model wrote a token just now; asks again by itself while the server starts."""
    return await _step("operations/_setup_model.html", probes.model)


@require_GET
@administrators_only_async
async def reading(request: HttpRequest) -> HttpResponse:
    """How well the model reads, measured now where it was not before."""
    try:
        words = await probes.reading()
    except EngineError as error:
        words = gettext("%(error)s How well it reads is measured later.") % {"error": error}
    return HttpResponse(render_to_string("operations/_setup_reading.html", {"words": words}))


@require_GET
@administrators_only_async
async def embedding(request: HttpRequest) -> HttpResponse:
    """Whether the embedder told near from far just now."""
    return await _step("operations/_setup_embedding.html", probes.embedder)


async def _step(template: str, probe: Callable[[], Awaitable[Any]]) -> HttpResponse:
    context: dict[str, Any] = {}
    try:
        context["found"] = await probe()
    except EngineError as error:
        context |= {"error": str(error), "retry": error.retry, "away": (await warmth.warmth()).away}
    return HttpResponse(render_to_string(template, context))


@require_http_methods(["GET", "HEAD", "POST"])
@administrators_only
def sample_collection(request: HttpRequest) -> HttpResponse:
    """The progress of the sample; POST loads it."""
    refused = ""
    if request.method == "POST":
        try:
            sample.load(person(request))
        except UploadRefused as error:
            refused = str(error)
        if not request.headers.get("HX-Request"):
            return redirect("operations:setup")
    context = {"progress": sample.progress(), "questions": sample.QUESTIONS, "refused": refused}
    return render(request, "operations/_setup_sample.html", context)


@require_POST
@administrators_only_async
async def ask(request: HttpRequest) -> HttpResponse:
    """A new conversation in which the sample is being asked; the answer streams there."""
    progress = await in_db(sample.progress)
    if progress.collection is None:
        raise Http404
    try:
        wish = AskRequest(
            client_id=secrets.token_hex(16),
            text=clean_question(request.POST.get("question") or sample.QUESTIONS[0]),
            collections=(progress.collection.pk,),
        )
        kept = await runner.submit_request(person(request), request.session.session_key or "", wish)
    except (RequestRefused, SessionEnded, EngineError) as error:
        return HttpResponse(
            str(error) or gettext("Sign in again."), status=409, content_type="text/plain; charset=utf-8"
        )
    return redirect(f"/c/{kept.conversation}/")
