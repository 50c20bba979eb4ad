"""URLs of assistants, under /assistants/."""

from __future__ import annotations

from django.urls import path

from apps.conversations.assistants import views

patterns = [
    path("assistants/", views.list_assistants, name="assistants"),
    path("assistants/new/", views.add_assistant, name="new_assistant"),
    path("assistants/<uuid:pk>/", views.edit_assistant, name="assistant"),
    path("assistants/<uuid:pk>/picture.png", views.show_picture, name="assistant_picture"),
    path("assistants/<uuid:pk>/versions/", views.list_versions, name="assistant_versions"),
    path("assistants/<uuid:pk>/people/", views.edit_shares, name="assistant_people"),
    path("assistants/<uuid:pk>/people/remove/", views.remove_share, name="unshare_assistant"),
    path("assistants/<uuid:pk>/people/everyone/", views.set_public, name="assistant_everyone"),
    path("assistants/<uuid:pk>/delete/", views.delete_assistant, name="delete_assistant"),
]
