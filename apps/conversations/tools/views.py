"""Pages of tools: permissions and MCP servers for administrators, and the form by which a user calls a tool."""

from __future__ import annotations

import asyncio

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.models.assistant import Assistant
from apps.conversations.models.tool import ToolPermission, ToolServer, ToolSetting
from apps.conversations.tools import slash_commands
from apps.conversations.tools.availability import list_all_tools, resolve_permission
from apps.conversations.tools.base import BaseTool
from apps.conversations.tools.call_forms import CallForm
from apps.conversations.tools.mcp.tool import refresh_server
from apps.conversations.tools.server_forms import ServerForm
from apps.users.permissions import administrator_required, get_signed_in_user


@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_tools(request: HttpRequest) -> HttpResponse:
    """Show all tools with their permissions, and the servers; a POST stores the permissions."""
    every = list_all_tools()
    if request.method == "POST":
        for tool in every:
            if (permission := request.POST.get(tool.name)) in ToolPermission.values:
                if permission == ToolPermission.ALLOWED and not tool.is_harmless and not _is_allowed(tool):
                    messages.warning(request, _warn_unasked(tool))
                ToolSetting.objects.update_or_create(name=tool.name, defaults={"permission": permission})
        messages.success(request, gettext("Saved. Applies from the next question on."))
        return redirect("conversations:tools")
    return _render_page(request, ServerForm())


def _is_allowed(tool: BaseTool) -> bool:
    return ToolSetting.objects.filter(name=tool.name, permission=ToolPermission.ALLOWED).exists()


def _warn_unasked(tool: BaseTool) -> str:
    words = gettext("From now on models use “%(title)s” without asking, and this tool may change something.")
    return words % {"title": gettext(tool.title)}


@administrator_required
@require_POST
def add_server(request: HttpRequest) -> HttpResponse:
    """Add an MCP server and list its tools, which ask each time until a permission is set."""
    form = ServerForm(request.POST)
    if not form.is_valid():
        return _render_page(request, form, status=400)
    row = form.save()
    _refresh_server(request, row)
    return redirect("conversations:tools")


@administrator_required
@require_POST
def change_server(request: HttpRequest, pk: int) -> HttpResponse:
    """Refresh, enable, disable or remove an MCP server."""
    row = get_object_or_404(ToolServer, pk=pk)
    match request.POST.get("do"):
        case "look":
            _refresh_server(request, row)
        case "on" | "off" as switch:
            ToolServer.objects.filter(pk=pk).update(enabled=switch == "on")
        case "remove":
            ToolSetting.objects.filter(name__in=[item["as"] for item in row.tools]).delete()
            row.delete()
            messages.success(request, gettext("%(name)s was removed.") % {"name": row.name})
    return redirect("conversations:tools")


def _refresh_server(request: HttpRequest, row: ToolServer) -> None:
    if problem := asyncio.run(refresh_server(row)):
        messages.error(request, f"{row.name}: {problem}")
    else:
        messages.success(
            request,
            ngettext(
                "%(name)s offers %(tools)s tool. Choose below whether models may use it.",
                "%(name)s offers %(tools)s tools. Choose below which of them models may use.",
                len(row.tools),
            )
            % {"name": row.name, "tools": len(row.tools)},
        )


def _render_page(request: HttpRequest, form: ServerForm, status: int = 200) -> HttpResponse:
    site = dict(ToolSetting.objects.values_list("name", "permission"))
    rows = [
        {"tool": tool, "now": resolve_permission(tool, site, {}), "choices": [
            choice for choice in ToolPermission if not (tool.has_effects and choice == ToolPermission.ALLOWED)
        ]}
        for tool in list_all_tools()
    ]  # fmt: skip
    context = {"rows": rows, "servers": ToolServer.objects.all(), "form": form}
    return render(request, "conversations/tools/permissions.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_call_form(request: HttpRequest, name: str) -> HttpResponse:
    """Show the argument fields of a tool that may be called while `assistant` answers. Nothing is called.

    A POST returns the slash `command` as JSON, or 422 with the fields and their errors.
    """
    tool = _get_callable_tool(request, name)
    form = CallForm(tool, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return JsonResponse({"command": form.command})
    status = 422 if form.is_bound else 200
    return render(request, "conversations/tools/_call_form.html", {"form": form, "tool": tool}, status=status)


def _get_callable_tool(request: HttpRequest, name: str) -> BaseTool:
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
