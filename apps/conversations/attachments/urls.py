"""URLs of attached pictures."""

from __future__ import annotations

from django.urls import path

from apps.conversations.attachments import views

patterns = [
    path("attached/", views.attach_picture, name="attach"),
    path("attached/<uuid:pk>/", views.show_picture, name="attached"),
    path("attached/<uuid:pk>/remove/", views.remove_picture, name="unattach"),
]
