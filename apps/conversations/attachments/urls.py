"""The addresses of attached pictures, below those of conversations."""

from __future__ import annotations

from django.urls import path

from apps.conversations.attachments import views

patterns = [
    path("attached/", views.attach, name="attach"),
    path("attached/<uuid:pk>/", views.picture, name="attached"),
    path("attached/<uuid:pk>/remove/", views.remove, name="unattach"),
]
