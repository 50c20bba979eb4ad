"""Pages of the Doctor, which checks every part of the installation and says what to do."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.operations.async_permissions import administrator_required_async
from apps.operations.doctor.engine_checks import list_checks
from apps.users.permissions import administrator_required


@require_safe
@administrator_required
def show_doctor(request: HttpRequest) -> HttpResponse:
    """Show the list of checks. Each loads its own result, so that a slow check delays no other."""
    return render(request, "operations/doctor.html", {"checks": list_checks()})


@require_safe
@never_cache
@administrator_required_async
async def run_check(request: HttpRequest, name: str) -> HttpResponse:
    """Run one check and return its result as a fragment."""
    named = next((check for check in list_checks() if check.name == name), None)
    if named is None:
        raise Http404
    result = await named.run()
    return HttpResponse(render_to_string("operations/_check.html", {"check": named, "result": result}))
