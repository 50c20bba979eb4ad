"""Addresses of tools, under /tools/."""

from __future__ import annotations

from django.urls import path

from apps.conversations.tools import call_views, views

patterns = [
    path("tools/", views.tools, name="tools"),
    path("tools/<slug:name>/call/", call_views.call, name="call_tool"),
    path("tools/servers/", views.add, name="add_tool_server"),
    path("tools/servers/<int:pk>/", views.change, name="change_tool_server"),
]
