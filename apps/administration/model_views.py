"""Pages on which administrators add, test, change and remove model servers and their models."""

from __future__ import annotations

import asyncio

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.administration.model_forms import (
    HelperServerForm,
    ModelServerForm,
    NewModelServerForm,
    RestrictionForm,
    ServedModelForm,
)
from apps.administration.model_list import PASSWORD
from apps.conversations.assistants import answer_style
from apps.conversations.core import helper_servers, model_servers
from apps.conversations.models import HelperServer, ModelProfile, ModelServer, RestrictedModel, ServedModel
from apps.conversations.templatetags.reading import reading_result
from apps.engines.chat.model_catalog import MAIN
from apps.engines.types import EngineError, ModelInfo
from apps.lib.concurrency.threads import in_db
from apps.lib.refusals import show_refusals
from apps.operations import engine_probes, support_calibration
from apps.operations.async_permissions import administrator_required_async
from apps.safety.errors import ActionRefused
from apps.users.i18n import translate_stored
from apps.users.models import User
from apps.users.permissions import administrator_required, get_signed_in_user, password_required

_TOO_SLOW = "The model server took too long."


@never_cache
@administrator_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_server(request: HttpRequest) -> HttpResponse:
    """Show the form of a new server; a POST asks it for its models and stores it. Its only model is added at once."""
    form = NewModelServerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        by, given = get_signed_in_user(request), form.cleaned_data
        with show_refusals(request, ActionRefused):
            server = model_servers.add_server(by, name=given["name"], url=given["url"], key=given["key"])
            if len(form.offered) == 1 and (row := _add_model(request, by, server, form.offered[0])) is not None:
                return redirect("administration:model", row.pk)
            return redirect("administration:model_server", server.pk)
    return render(request, "administration/model_server_new.html", {"form": form}, status=400 if form.errors else 200)


@never_cache
@administrator_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_server(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a server with its models; a POST changes it after asking it again."""
    server = get_object_or_404(ModelServer, pk=pk)
    initial = {"name": server.name, "url": server.url, "outside": server.outside, "enabled": server.enabled}
    form = ModelServerForm(request.POST if request.method == "POST" else None, initial=initial, server=server)
    if request.method == "POST" and form.is_valid():
        with show_refusals(request, ActionRefused):
            model_servers.change_server(get_signed_in_user(request), server, **form.cleaned_data)
            messages.success(request, gettext("Saved. It holds everywhere within seconds."))
            return redirect("administration:model_server", pk)
    context = {"server": server, "form": form, "models": server.models.all()}
    return render(request, "administration/model_server.html", context, status=400 if form.errors else 200)


@never_cache
@administrator_required
@password_required
@require_safe
def list_offered(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the models that the server lists and that are not added yet, as a fragment."""
    server, error = get_object_or_404(ModelServer, pk=pk), ""
    offered: list[ModelInfo] = []
    try:
        offered = _ask(server)
    except EngineError as failure:
        error = translate_stored(str(failure))
    known = set(server.models.values_list("served_name", flat=True))
    context = {"server": server, "error": error, "offered": [one for one in offered if one.name not in known]}
    return render(request, "administration/_offered_models.html", context)


@administrator_required
@require_POST
@password_required
def remove_server(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a server with its models."""
    model_servers.remove_server(get_signed_in_user(request), get_object_or_404(ModelServer, pk=pk))
    messages.success(request, gettext("Server removed. Running answers are finished."))
    return redirect("administration:models")


@administrator_required
@require_POST
@password_required
def add_model(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a model that the server lists, after asking what it can do."""
    server, wanted = get_object_or_404(ModelServer, pk=pk), request.POST.get("model", "")
    try:
        found = next((one for one in _ask(server) if one.name == wanted), None)
    except EngineError as error:
        messages.error(request, translate_stored(str(error)))
        return redirect("administration:model_server", pk)
    if found is None:
        messages.error(request, gettext("The server does not list this model."))
        return redirect("administration:model_server", pk)
    row = _add_model(request, get_signed_in_user(request), server, found)
    return redirect("administration:model", row.pk) if row else redirect("administration:model_server", pk)


@never_cache
@administrator_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_model(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a model with what was measured; a POST changes it."""
    row = get_object_or_404(ServedModel.objects.select_related("server"), pk=pk)
    form = ServedModelForm(request.POST if request.method == "POST" else None, instance=row)
    if request.method == "POST" and form.is_valid():
        with show_refusals(request, ActionRefused):
            model_servers.change_model(get_signed_in_user(request), row, form.cleaned_data)
            messages.success(request, gettext("Saved. It holds everywhere within seconds."))
            return redirect("administration:model", pk)
    context = {
        "model": row,
        "form": form,
        "profile": ModelProfile.objects.filter(name=row.served_name).first(),
        "is_fixed": settings.DEFAULT_MODEL_IS_FIXED,
    }
    return render(request, "administration/model.html", context, status=400 if form.errors else 200)


@never_cache
@administrator_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_environment_model(request: HttpRequest, name: str) -> HttpResponse:
    """Show a chat model of LLM_MORE; a POST says which groups may use it."""
    if name == MAIN or name not in settings.CHATS:
        raise Http404
    row = RestrictedModel.objects.filter(name=name).first()
    initial = {"for_everyone": row is None, "groups": row.groups.all() if row else []}
    form = RestrictionForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        groups = None if form.cleaned_data["for_everyone"] else form.cleaned_data["groups"]
        with show_refusals(request, ActionRefused):
            model_servers.restrict_model(get_signed_in_user(request), name, groups)
            messages.success(request, gettext("Saved. It holds everywhere within seconds."))
            return redirect("administration:environment_model", name)
    context = {"name": name, "form": form, "server": PASSWORD.sub("•••@", settings.CHATS[name]["ABOUT"]["server"])}
    return render(request, "administration/environment_model.html", context, status=400 if form.errors else 200)


@never_cache
@administrator_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_helper(request: HttpRequest, kind: str) -> HttpResponse:
    """Show the judge or the guard; a POST tries the server, and stores it if that works."""
    if kind not in HelperServer.Kind.values:
        raise Http404
    row = HelperServer.objects.filter(kind=kind).first()
    initial = {"url": row.url, "model": row.model, "form": row.form} if row else {}
    form = HelperServerForm(request.POST if request.method == "POST" else None, initial=initial, kind=kind, stored=row)
    if request.method == "POST" and form.is_valid():
        with show_refusals(request, ActionRefused):
            helper_servers.save_helper(get_signed_in_user(request), form.make_row())
            messages.success(request, gettext("Saved. It holds everywhere within seconds."))
            return redirect("administration:helper", kind)
    context = {
        "kind": kind, "label": HelperServer.Kind(kind).label, "form": form, "stored": row,
        "of_environment": helper_servers.is_of_environment(kind),
        "is_kept_out": row is not None and not model_servers.may_read_all(row.url),
    }  # fmt: skip
    return render(request, "administration/helper_server.html", context, status=400 if form.errors else 200)


@administrator_required
@require_POST
@password_required
def remove_helper(request: HttpRequest, kind: str) -> HttpResponse:
    """Remove the judge or the guard of the page."""
    helper_servers.remove_helper(get_signed_in_user(request), kind)
    messages.success(request, gettext("Server removed. Running answers are finished."))
    return redirect("administration:models")


@require_safe
@administrator_required_async
async def measure_reading(request: HttpRequest, pk: int) -> HttpResponse:
    """Return how well the model reads, as a fragment; measured now if it was not before."""
    row = await in_db(get_object_or_404, ServedModel, pk=pk)
    try:
        await engine_probes.probe_reading(row.name)
        words = reading_result(await in_db(answer_style.get_model_profile, row.served_name))
    except EngineError as error:
        words = gettext("%(error)s Its reading is tested later.") % {"error": translate_stored(str(error))}
    return HttpResponse(render_to_string("operations/_setup_reading.html", {"words": words}))


@require_POST
@administrator_required_async
async def calibrate_support(request: HttpRequest) -> HttpResponse:
    """Start to calibrate the check of sentences, in the background."""
    support_calibration.start_calibration()
    return redirect("administration:models")


@administrator_required
@require_POST
@password_required
def remove_model(request: HttpRequest, pk: int) -> HttpResponse:
    """Offer a model no longer."""
    row = get_object_or_404(ServedModel, pk=pk)
    model_servers.remove_model(get_signed_in_user(request), row)
    messages.success(request, gettext("Model removed. Running answers are finished."))
    return redirect("administration:model_server", row.server_id)


def _ask(server: ModelServer) -> list[ModelInfo]:
    """Return the models that the server lists. Raise EngineError."""
    try:
        return asyncio.run(model_servers.ask_models(server.url, server.usable_key))
    except TimeoutError as error:
        raise EngineError(_TOO_SLOW) from error


def _add_model(request: HttpRequest, by: User, server: ModelServer, offered: ModelInfo) -> ServedModel | None:
    """Ask what the model can do, and add it. If it cannot be asked, show why and return None."""
    try:
        abilities = asyncio.run(model_servers.ask_abilities(server.url, server.usable_key, offered.name))
        return model_servers.add_model(by, server, offered, abilities)
    except (EngineError, ActionRefused) as error:
        messages.error(request, translate_stored(str(error)))
    except TimeoutError:
        messages.error(request, gettext(_TOO_SLOW))
    return None
