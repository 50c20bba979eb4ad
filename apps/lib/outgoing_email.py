"""Outgoing email: whether this site sends any, by the server of EMAIL_URL or by one that was set on the page."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

_PAGE_BACKEND = "PageMailBackend"  # `apps.operations.mail_server`, in use without EMAIL_URL
_has_page_server: list[Callable[[], bool]] = []


def use_page_server(has_server: Callable[[], bool]) -> None:
    """Set the function that says whether a mail server was set on the page. It may use the database."""
    _has_page_server[:] = [has_server]


def is_page_server_in_use() -> bool:
    """Return whether email leaves this site by the server that was set on the page."""
    return settings.EMAIL_BACKEND.endswith(_PAGE_BACKEND) and any(has_server() for has_server in _has_page_server)


def is_email_configured() -> bool:
    """Return whether email leaves this site; without a server it is only printed to the log."""
    if settings.EMAIL_BACKEND.endswith(_PAGE_BACKEND):
        return is_page_server_in_use()
    return not settings.EMAIL_BACKEND.endswith("console.EmailBackend")
