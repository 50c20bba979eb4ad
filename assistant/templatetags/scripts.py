"""Template tag for the modules that a page runs."""

from __future__ import annotations

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from assistant.static_storage import JOINED, JoinedStaticFilesStorage

register = template.Library()


@register.simple_tag
def module_script(path: str) -> SafeString:
    """Return the `<script>` that runs the module of `static/js` at `path`, after the page was parsed.

    With joined modules each such script names the same file, which the browser fetches and runs once.
    """
    joined = isinstance(staticfiles_storage, JoinedStaticFilesStorage)
    return format_html(
        '<script type="module" src="{}" data-module="{}"></script>', static(JOINED if joined else path), path
    )
