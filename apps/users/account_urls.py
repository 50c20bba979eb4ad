"""Pages under /accounts/ that stand in for those of django-allauth."""

from __future__ import annotations

from django.urls import path

from apps.users.views import users

# Changing the address is left out: django-allauth's page empties User.email where addresses need not be confirmed.
urlpatterns = [path("email/", users.show_own_address, name="account_email")]
