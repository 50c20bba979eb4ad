"""Template filters that show a moment, in the reader's time zone once the page's script has run."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

register = template.Library()
_RELATIVE = timedelta(days=7)  # older and later moments are shown by their day
_JUST_NOW = timedelta(minutes=1)


@register.filter
def ago(at: datetime | None) -> SafeString:
    """Return a `<time>` element: "5 minutes ago" within a week of now, otherwise the day; "" for None.

    The title is the exact time.
    """
    if at is None:
        return SafeString("")
    since = timezone.now() - at
    if timedelta() <= since < _JUST_NOW:
        words = gettext("just now")
    elif timedelta(days=1) <= since <= _RELATIVE:  # humanize adds the hours, and says "1 Tage" in German
        words = ngettext("%(n)s day ago", "%(n)s days ago", since.days) % {"n": since.days}
    elif abs(since) <= _RELATIVE:
        words = naturaltime(at)
    else:
        words = date_format(at, gettext("j F Y"))
    return format_html(
        '<time datetime="{}" title="{}" data-exact>{}</time>', at.isoformat(timespec="seconds"), utc(at), words
    )


@register.filter
def moment(at: datetime | None) -> SafeString:
    """Return a `<time>` element with day and time: in UTC until the page's script has run; "" for None."""
    if at is None:
        return SafeString("")
    return format_html('<time datetime="{}" data-local>{}</time>', at.isoformat(timespec="seconds"), utc(at))


@register.filter
def utc(at: datetime) -> str:
    """Return day and time in UTC, in the active language."""
    return f"{date_format(at, gettext('j F Y, H:i'))} UTC"
