"""Field for beam search in menus, shown only if a model server supports it; the page requests it when a menu opens."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.conversations.core.sampling import BEAMS_CONTROL
from apps.engines import registry
from apps.engines.types import EngineError


@login_required
@require_safe
@never_cache
async def show_beam_search_field(request: HttpRequest) -> HttpResponse:
    """Return the empty field; 204 if no offered model has a server with beam search."""
    for model in registry.list_chat_models():
        try:
            if await registry.get_chat_engine(model.name).takes_beams():
                return render(request, "conversations/composer/_beams_field.html", {"control": BEAMS_CONTROL})
        except EngineError:
            continue  # the server is unreachable; the next request asks again
    return HttpResponse(status=204)
