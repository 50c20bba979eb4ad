"""Form with which the user calls a tool. It composes the slash command and calls nothing."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.models.assistant import Assistant
from apps.conversations.tools import slash_commands
from apps.conversations.tools.base import BaseTool
from apps.conversations.tools.call_forms import CallForm
from apps.users.permissions import get_signed_in_user


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_call_form(request: HttpRequest, name: str) -> HttpResponse:
    """Show the argument fields of a tool that may be called while `assistant` answers.

    A POST returns the `command` as JSON, or 422 with the fields and their errors.
    """
    tool = _get_tool(request, name)
    form = CallForm(tool, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return JsonResponse({"command": form.command})
    status = 422 if form.is_bound else 200
    return render(request, "conversations/tools/_call_form.html", {"form": form, "tool": tool}, status=status)


def _get_tool(request: HttpRequest, name: str) -> BaseTool:
    """Return the tool. Raise Http404 if the user may not call it, or may not use the assistant."""
    wanted = parse_id_or_none(request.GET.get("assistant"))
    visible = Assistant.objects.visible_to(get_signed_in_user(request))
    assistant = get_object_or_404(visible, pk=wanted) if wanted else Assistant.default()
    found = next(
        (tool for tool in slash_commands.list_commands(assistant, get_signed_in_user(request)) if tool.name == name),
        None,
    )
    if found is None:
        raise Http404
    return found
