"""Addresses of assistants, under /assistants/."""

from __future__ import annotations

from django.urls import path

from apps.conversations import assistant_views, preview_views

patterns = [
    path("assistants/", assistant_views.assistants_page, name="assistants"),
    path("assistants/new/", assistant_views.new, name="new_assistant"),
    path("assistants/preview/", preview_views.preview, name="preview_assistant"),
    path("assistants/<uuid:pk>/", assistant_views.edit, name="assistant"),
    path("assistants/<uuid:pk>/picture.png", assistant_views.picture, name="assistant_picture"),
    path("assistants/<uuid:pk>/versions/", assistant_views.versions, name="assistant_versions"),
    path("assistants/<uuid:pk>/people/", assistant_views.people, name="assistant_people"),
    path("assistants/<uuid:pk>/people/remove/", assistant_views.unshare, name="unshare_assistant"),
    path("assistants/<uuid:pk>/people/everyone/", assistant_views.everyone, name="assistant_everyone"),
    path("assistants/<uuid:pk>/delete/", assistant_views.delete, name="delete_assistant"),
]
