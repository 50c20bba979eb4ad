"""The administration as the map of the site has it: what is registered, and the pages that show and do not change."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from apps.administration import described
from apps.administration.people import People
from apps.administration.shelves import Shelves
from apps.administration.site import Administration
from apps.administration.teams import Teams
from apps.conversations.models import ModelProfile
from apps.documents.models import Collection
from apps.users.models import User


def models(request: HttpRequest) -> HttpResponse:
    """Which models and engines work here, and which variable names each."""
    context = {
        "chats": described.chats(), "engines": described.engines(), "profiles": ModelProfile.objects.order_by("name"),
    }  # fmt: skip
    return administration.page(request, "administration/models.html", gettext("Models"), **context)


def environment(request: HttpRequest) -> HttpResponse:
    """Every variable: its value without secrets, whether it is set, and what it means."""
    context = {"variables": described.variables()}
    return administration.page(request, "administration/environment.html", gettext("Environment"), **context)


administration = Administration({"models": models, "environment": environment})
administration.register(User, People)
administration.register(Group, Teams)
administration.register(Collection, Shelves)
