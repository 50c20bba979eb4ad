"""Register the models of the admin site, and its pages on models and the environment.

Entry point: `administration`, the site that the root URLconf includes.
"""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from apps.administration import environment
from apps.administration.admin_site import AdministrationSite
from apps.administration.collection_admin import CollectionAdmin
from apps.administration.group_admin import GroupAdmin
from apps.administration.user_admin import UserAdmin
from apps.conversations.models import ModelProfile
from apps.documents.models import Collection
from apps.users.models import User


def show_models(request: HttpRequest) -> HttpResponse:
    """Show the chat models, engines and model profiles, each with its environment variable."""
    context = {
        "chats": environment.list_chat_models(),
        "engines": environment.list_engines(),
        "profiles": ModelProfile.objects.order_by("name"),
    }
    return administration.page(request, "administration/models.html", gettext("Models"), **context)


def show_environment(request: HttpRequest) -> HttpResponse:
    """Show every environment variable with its value, default and meaning. Secrets are masked."""
    context = {"variables": environment.list_variables()}
    return administration.page(request, "administration/environment.html", gettext("Environment"), **context)


administration = AdministrationSite({"models": show_models, "environment": show_environment})
administration.register(User, UserAdmin)
administration.register(Group, GroupAdmin)
administration.register(Collection, CollectionAdmin)
