"""Send notices by email to users who cannot sign in to read them.

`schedule_email` marks the notice as due; `send_due_emails` is a job of the worker.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from apps.safety.models import Notice
from apps.users.i18n import use_language_of

WAIT_S = 30  # seconds; longer than the ten seconds in which a decision can be undone
RETRY_S = 600  # seconds until the next attempt after the mail server was unreachable
GIVE_UP_DAYS = 3


def schedule_email(notice: Notice) -> None:
    """Schedule an email of the notice in 30 seconds. Call inside the transaction of the decision."""
    Notice.objects.filter(pk=notice.pk).update(mail_due=timezone.now() + timedelta(seconds=WAIT_S))


def send_due_emails() -> int:
    """Send up to 20 due emails and return how many.

    Emails that failed are tried again after 10 minutes and given up after 3 days. A periodic job of the worker. Raise
    OSError if the mail server is unreachable.
    """
    sent, now = 0, timezone.now()
    Notice.objects.filter(mail_due__lt=now, created__lt=now - timedelta(days=GIVE_UP_DAYS)).update(mail_due=None)
    for row in Notice.objects.filter(mail_due__lt=now).select_related("user").order_by("mail_due")[:20]:
        mine = Notice.objects.filter(pk=row.pk, mail_due=row.mail_due)
        later = now + timedelta(seconds=RETRY_S)
        if not mine.update(mail_due=later):
            continue  # another worker sends it
        _send(row)
        Notice.objects.filter(pk=row.pk, mail_due=later).update(mail_due=None)
        sent += 1
    return sent


def _send(notice: Notice) -> None:
    with use_language_of(notice.user):
        context = {
            "notice": notice, "site_url": settings.SITE_URL, "link": settings.SITE_URL + reverse("safety:suspended"),
            "open": notice.user.is_active,
        }  # fmt: skip
        text = render_to_string("safety/notice_mail.txt", context)
    send_mail(f"[Openbook] {notice.title}", text, settings.DEFAULT_FROM_EMAIL, [notice.user.email])
