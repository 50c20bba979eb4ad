"""Addresses of the people pages; sign-in and passwords are django-allauth's, under /accounts/."""

from __future__ import annotations

from django.urls import path

from apps.users import duties, group_views, instruction_views, language, limit_views, memory, token_views, views

app_name = "users"
urlpatterns = [
    path("language/", language.language, name="language"),
    path("words/<slug:code>.js", language.words, name="words"),
    path("instructions/", instruction_views.instructions, name="instructions"),
    path("instructions/memory/", memory.remember, name="memory"),
    path("tokens/", token_views.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", token_views.revoke, name="revoke_token"),
    path("limits/", limit_views.mine, name="limits"),
    path("people/limits/", limit_views.settings, name="limit_settings"),
    path("people/", views.people, name="people"),
    path("people/groups/", group_views.groups, name="groups"),
    path("people/groups/<int:pk>/", group_views.group, name="group"),
    path("people/groups/<int:pk>/remove/", group_views.remove, name="group_remove"),
    path("people/groups/<int:pk>/rename/", group_views.rename, name="group_rename"),
    path("people/groups/<int:pk>/delete/", group_views.delete, name="group_delete"),
    path("people/<int:pk>/role/", views.role, name="role"),
    path("people/<int:pk>/active/", views.active, name="active"),
    path("people/<int:pk>/sealed/", views.named, {"duty": duties.SEALED}, name="sealed"),
    path("people/<int:pk>/break-glass/", views.named, {"duty": duties.BREAK_GLASS}, name="break_glass"),
    path("people/<int:pk>/address/", views.address, name="address"),
    path("people/invitations/<int:pk>/revoke/", views.revoke, name="revoke"),
]
