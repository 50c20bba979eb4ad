"""Base of all admin classes: read-only unless a class implements `verb`, and no adding, deleting or filtering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext
from unfold.admin import ModelAdmin

from apps.users.models import User
from apps.users.permissions import get_signed_in_user

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator

_PAGES = ("_changelist", "_change")


class ChangeRefused(Exception):
    """Error: the change was refused, and nothing of it was stored. The message is a sentence for the administrator."""


class NumberPaginator(AnyPaginator):
    """Paginator whose template shows page numbers only."""

    template_name = "administration/_pages.html"


class GuardedModelAdmin(ModelAdmin):  # type: ignore[misc]
    """Admin class without adding, deleting, actions or filters by URL. A change is made by `verb`, which calls a
    service."""

    title: Any = ""  # title of the list page
    actions = None
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    show_full_result_count = False
    show_add_link = False
    paginator = NumberPaginator
    change_list_template = "administration/change_list.html"
    change_form_template = "administration/change_form.html"

    def verb(self, user: User, row: Any, form: Any) -> None:
        """Make the change that the form describes. Runs in a transaction. Raises ChangeRefused."""
        raise NotImplementedError

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.admin_site.has_permission(request)) and type(self).verb is not GuardedModelAdmin.verb

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self.admin_site.has_permission(request))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Return False: a filter in the URL could reveal any column, such as password hashes."""
        return False

    def get_urls(self) -> list[URLPattern]:
        return [found for found in super().get_urls() if (found.name or "").endswith(_PAGES)]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        about = {"title": self.title, "subtitle": None}
        page: HttpResponse = super().changelist_view(request, {**about, **(extra_context or {})})
        return page

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        more = {"show_save_and_continue": False, "show_save_and_add_another": False, "back": self._list()}
        try:
            page: HttpResponse = super().changeform_view(
                request, object_id, form_url, {**more, **(extra_context or {})}
            )
        except ChangeRefused as error:  # the transaction was rolled back
            messages.error(request, str(error))
            return redirect(request.path)
        return page

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        return super().render_change_form(request, {**context, "title": str(row), "subtitle": None}, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Model, form: ModelForm[Any], change: bool) -> None:
        self.verb(get_signed_in_user(request), obj, form)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Do nothing: `verb` stores relations too."""

    def response_change(self, request: HttpRequest, obj: Model) -> HttpResponse:
        messages.success(request, gettext("Saved."))
        return redirect(self._list())

    def log_addition(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: services write the audit log."""

    log_change = log_deletions = log_addition

    def _list(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
