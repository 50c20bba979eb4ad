"""URLs of tools, under /tools/."""

from __future__ import annotations

from django.urls import path

from apps.conversations.tools import views

patterns = [
    path("tools/", views.edit_tools, name="tools"),
    path("tools/<slug:name>/call/", views.show_call_form, name="call_tool"),
    path("tools/servers/", views.add_server, name="add_tool_server"),
    path("tools/servers/<int:pk>/", views.change_server, name="change_tool_server"),
]
