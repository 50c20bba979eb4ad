"""URLs of attached pictures and files."""

from __future__ import annotations

from django.urls import path

from apps.conversations.attachments import file_views, views

patterns = [
    path("attached/", views.attach_picture, name="attach"),
    path("attached/<uuid:pk>/", views.show_picture, name="attached"),
    path("attached/<uuid:pk>/remove/", views.remove_picture, name="unattach"),
    path("files/", file_views.attach_file, name="attach_file"),
    path("files/<uuid:pk>/remove/", file_views.remove_file, name="remove_file"),
    path("files/<uuid:pk>/move/", file_views.move_file, name="move_file"),
]
