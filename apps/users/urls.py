"""Addresses of the people pages; sign-in and passwords are django-allauth's, under /accounts/."""

from __future__ import annotations

from django.urls import path

from apps.users import views

app_name = "users"
urlpatterns = [
    path("people/", views.people, name="people"),
    path("people/<int:pk>/role/", views.role, name="role"),
    path("people/<int:pk>/active/", views.active, name="active"),
    path("people/<int:pk>/address/", views.address, name="address"),
    path("people/invitations/<int:pk>/revoke/", views.revoke, name="revoke"),
]
