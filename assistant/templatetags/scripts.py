"""Template tag that preloads the modules of a page."""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()
_IMPORT = re.compile(r'^import (?:[^"\n]+ from )?"(\.[^"]+)";$', re.MULTILINE)


@register.simple_tag
def preload_modules(*scripts: str) -> SafeString:
    """Return a `modulepreload` link for each script and each module that they import.

    The browser then fetches all at once, not one level of imports after the other.
    """
    return format_html_join("\n", '<link rel="modulepreload" href="{}">', ((static(path),) for path in _trace(scripts)))


@cache
def _trace(scripts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scripts and all modules that they import, directly or through others, as paths of static files."""
    found: dict[str, None] = {}
    waiting = list(scripts)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = None
        source = Path(finders.find(path) or "").read_text()
        waiting += [
            posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) for name in _IMPORT.findall(source)
        ]
    return tuple(found)
