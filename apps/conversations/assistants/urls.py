"""Addresses of assistants, under /assistants/."""

from __future__ import annotations

from django.urls import path

from apps.conversations.assistants import preview, views

patterns = [
    path("assistants/", views.assistants_page, name="assistants"),
    path("assistants/new/", views.new, name="new_assistant"),
    path("assistants/preview/", preview.preview, name="preview_assistant"),
    path("assistants/<uuid:pk>/", views.edit, name="assistant"),
    path("assistants/<uuid:pk>/picture.png", views.picture, name="assistant_picture"),
    path("assistants/<uuid:pk>/versions/", views.versions, name="assistant_versions"),
    path("assistants/<uuid:pk>/people/", views.people, name="assistant_people"),
    path("assistants/<uuid:pk>/people/remove/", views.unshare, name="unshare_assistant"),
    path("assistants/<uuid:pk>/people/everyone/", views.everyone, name="assistant_everyone"),
    path("assistants/<uuid:pk>/delete/", views.delete, name="delete_assistant"),
]
