"""Admin site of django-unfold, restricted to administrators who have re-entered their password.

Pages that the product has itself (sign-in, passwords, search) are not offered. Django's own admin log is not written:
changes go through services, which write the audit log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from unfold.sites import UnfoldAdminSite

from apps.users.models import User
from apps.users.permissions import administrator_required

View = Callable[..., HttpResponse]


def require_reauthentication(view: View) -> View:
    """Restrict a view to administrators who gave their password within `ACCOUNT_REAUTHENTICATION_TIMEOUT`.

    Other users get 404, anonymous ones the sign-in page. The page is never cached.
    """
    found: View = never_cache(administrator_required(reauthentication_required(view)))
    return found


class AdministrationSite(UnfoldAdminSite):  # type: ignore[misc]
    """Admin site with extra pages: `pages` maps a path, which is also the URL name, to a view."""

    def __init__(self, pages: dict[str, View]) -> None:
        super().__init__(name="admin")
        self.pages = pages

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and user.is_active and user.is_administrator

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        return require_reauthentication(view)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [
            path(f"{name}/", require_reauthentication(require_safe(view)), name=name)
            for name, view in self.pages.items()
        ]
        models = [
            path(f"{model._meta.app_label}/{model._meta.model_name}/", include(admin.urls))
            for model, admin in self._registry.items()
        ]
        return [path("", require_reauthentication(require_safe(self.index)), name="index"), *own, *models]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return []: the frame of the site has its own list of pages."""
        return []

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "show_history": False, "show_view_on_site": False}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return self.page(request, "administration/index.html", gettext("Administration"))

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        """Render a page of our own in the frame of the admin site."""
        request.current_app = self.name
        return render(request, template, {**self.each_context(request), "title": title, **context})
