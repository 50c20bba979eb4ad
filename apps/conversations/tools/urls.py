"""Addresses of tools, under /tools/."""

from __future__ import annotations

from django.urls import path

from apps.conversations.tools import views

patterns = [
    path("tools/", views.tools, name="tools"),
    path("tools/servers/", views.add, name="add_tool_server"),
    path("tools/servers/<int:pk>/", views.change, name="change_tool_server"),
]
