"""The Doctor: every part asked whether it works, now, with words that say what to do."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.operations.access import administrators_only_async
from apps.operations.engine_checks import ALL
from apps.users.access import administrators_only

_BY_NAME = {check.name: check for check in ALL}


@require_safe
@administrators_only
def doctor(request: HttpRequest) -> HttpResponse:
    """The list of checks; each asks for its own result, so that a slow one keeps none waiting."""
    return render(request, "operations/doctor.html", {"checks": ALL})


@require_safe
@never_cache
@administrators_only_async
async def check(request: HttpRequest, name: str) -> HttpResponse:
    if name not in _BY_NAME:
        raise Http404
    named = _BY_NAME[name]
    found = await named.run()
    return HttpResponse(render_to_string("operations/_check.html", {"check": named, "found": found}))
