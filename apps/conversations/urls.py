from __future__ import annotations

from django.urls import path

from apps.conversations import views

app_name = "conversations"
urlpatterns = [
    path("", views.new, name="new"),
    path("c/<uuid:pk>/", views.conversation, name="conversation"),
    path("c/<uuid:pk>/delete/", views.delete, name="delete"),
    path("c/<uuid:pk>/rename/", views.rename, name="rename"),
    path("conversations/", views.recent, name="recent"),
    path("answers/<uuid:answer>/sources/<int:number>/", views.source, name="source"),
]
