"""Override URLs below /accounts/ that replace pages of django-allauth."""

from __future__ import annotations

from django.urls import path

from apps.users.views import users

# Users cannot change their address here: django-allauth's page empties User.email if addresses need no confirmation.
urlpatterns = [path("email/", users.show_own_address, name="account_email")]
