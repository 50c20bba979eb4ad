"""Save, rename and delete presets. Each answers with the list of presets as a fragment, or redirects to the gallery."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from apps.engines.types import EngineError
from apps.images.generation import model_info
from apps.images.models import Preset
from apps.images.requests import presets
from apps.images.requests.forms import PictureForm
from apps.images.requests.submission import PictureRequestRefused
from apps.images.views import gallery
from apps.users.i18n import translate_stored
from apps.users.permissions import get_signed_in_user


@login_required
@require_POST
def save_preset(request: HttpRequest) -> HttpResponse:
    """Save the settings of the form under `name`."""
    try:
        form = PictureForm(model_info.get_model(), request.POST, parent=gallery.find_parent(request))
        row = presets.save_preset(get_signed_in_user(request), request.POST.get("name", ""), form)
    except (PictureRequestRefused, EngineError) as error:
        return _respond(request, problem=translate_stored(error), part="keep")
    return _respond(request, message=gettext("“%(name)s” saved.") % {"name": row})


@login_required
@require_POST
def rename_preset(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a preset."""
    row = _get_own_preset(request, pk)
    try:
        presets.rename_preset(get_signed_in_user(request), row, request.POST.get("name", ""))
    except PictureRequestRefused as error:
        return _respond(request, problem=str(error), part="change")
    return _respond(request, message=gettext("Renamed."), part="change")


@login_required
@require_POST
def delete_preset(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a preset."""
    presets.delete_preset(get_signed_in_user(request), _get_own_preset(request, pk))
    return _respond(request, message=gettext("Deleted."), part="change")


def _get_own_preset(request: HttpRequest, pk: int) -> Preset:
    return get_object_or_404(Preset, pk=pk, owner=get_signed_in_user(request))


def _respond(request: HttpRequest, message: str = "", problem: str = "", part: str = "") -> HttpResponse:
    """Return the list of presets with a message, or redirect without htmx. `part` is the section that stays open."""
    model = model_info.find_available_model()
    if not getattr(request, "htmx", False) or model is None:
        if problem:
            messages.error(request, problem)
        else:
            messages.success(request, message)
        return redirect("images:pictures")
    parent = gallery.find_parent(request)
    offered = presets.list_presets(get_signed_in_user(request), model, PictureForm(model, parent=parent))
    context = {"presets": offered, "message": message, "problem": problem, "part": part, "parent": parent}
    return render(request, "images/_presets.html", context)
