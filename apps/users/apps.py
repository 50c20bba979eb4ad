"""App configuration of users, groups, invitations, tokens and limits."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "apps.users"
