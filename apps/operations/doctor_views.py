"""The Doctor: every part asked whether it works, now, with words that say what to do."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.operations.access import administrators_only_async
from apps.operations.engine_checks import every
from apps.users.access import administrators_only


@require_safe
@administrators_only
def doctor(request: HttpRequest) -> HttpResponse:
    """The list of checks; each asks for its own result, so that a slow one keeps none waiting."""
    return render(request, "operations/doctor.html", {"checks": every()})


@require_safe
@never_cache
@administrators_only_async
async def check(request: HttpRequest, name: str) -> HttpResponse:
    named = next((check for check in every() if check.name == name), None)
    if named is None:
        raise Http404
    found = await named.run()
    return HttpResponse(render_to_string("operations/_check.html", {"check": named, "found": found}))
