"""Verify the audit log: the signatures of its entries, the heads noted outside of the database, and its triggers.

`verify_log` reads every entry. `verify_part` is for a page: each call reads for some seconds and continues where the
last one stopped. `note_heads` is a periodic job of the worker. Nothing here changes an entry.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from apps.safety.audit_log import audit, chain_heads
from apps.safety.audit_log.audit import AuditEntry, ChainPosition

MAX_FAULTS = 20  # faults that are reported
BATCH = 500  # heads that are compared at once
LATE_AFTER = timedelta(minutes=10)  # a head should have been noted and sent by then
_lock = threading.Lock()


@dataclass(slots=True)
class VerificationReport:
    """Result of a verification.

    `faults` are signs of tampering or loss, `remarks` are explained facts such as a restore.
    """

    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # failures to note or send heads
    first: int = 0  # entries that were verified, from this one ...
    last: int = 0  # ... to this one; 0: none
    newest: int = 0  # number of the newest entry; 0: the log is empty

    @property
    def is_complete(self) -> bool:
        return self.first <= 1 and self.last == self.newest


_position: list[ChainPosition] = [ChainPosition()]  # of `verify_part` in this process


def verify_log() -> VerificationReport:
    """Verify every entry and every noted head. Takes about 30 s for a million entries."""
    report = VerificationReport(newest=_newest())
    _verify_entries(report, ChainPosition(), None)
    _verify_rest(report, whole=True)
    return report


def verify_part(seconds: float = 2.0) -> VerificationReport:
    """Verify entries for `seconds` seconds, then the newest noted heads and the triggers.

    The next call in this process continues with the next entry. After the newest entry or a fault it starts again with
    the first, so that every round reports the fault.
    """
    with _lock:
        report, chain = VerificationReport(newest=_newest()), replace(_position[0], unverifiable=0)
        end = _verify_entries(report, chain, time.monotonic() + seconds)
        _position[0] = ChainPosition() if end or report.faults else chain
    _verify_rest(report, whole=False)
    return report


def note_heads() -> int:
    """Note the newest head if it is missing from the file, and send it to AUDIT_HEADS_URL.

    Return how many were sent: 0 or 1; 0 if the setting is empty. Raise OSError. A periodic job of the worker.
    """
    last = AuditEntry.objects.order_by("-seq").values("seq", "sha256").first()
    if last is None:
        return 0
    known = chain_heads.read_heads(whole=False)
    if last["sha256"] not in {row["sha256"] for row in known}:
        chain_heads.note_head(last["seq"], last["sha256"])
    return chain_heads.send_head(dict(last)) if settings.AUDIT_HEADS_URL else 0


def _verify_entries(report: VerificationReport, chain: ChainPosition, until: float | None) -> bool:
    """Verify the entries after `chain` until that time of `time.monotonic()`; None: all.

    Return whether the end was reached.
    """
    report.first = chain.seq + 1
    for message in audit.verify_entries(chain, until):
        _add(report, message)
    report.last = chain.seq
    if chain.unverifiable:
        message = ngettext(
            "%(n)s entry cannot be verified: the key that signed it is lost.",
            "%(n)s entries cannot be verified: the key that signed them is lost.", chain.unverifiable,
        )  # fmt: skip
        report.remarks.append(message % {"n": chain.unverifiable})
    return chain.seq >= report.newest


def _verify_rest(report: VerificationReport, whole: bool) -> None:
    for name in audit.find_missing_triggers():
        _add(report, gettext("The database trigger %(name)s, which protects the log, is missing.") % {"name": name})
    noted = chain_heads.read_heads(whole)
    restored = _verify_heads(report, noted)
    if restored:
        report.remarks.append(restored)
    _check_sent(report, noted)


def _verify_heads(report: VerificationReport, noted: Sequence[dict[str, Any]]) -> str:
    """Compare noted heads with the entries and add faults. Return a sentence about the last restore; "" without one."""
    stored: dict[int, tuple[str, str]] = {}
    wanted = sorted({row["seq"] for row in noted})
    for start in range(0, len(wanted), BATCH):
        rows = AuditEntry.objects.filter(seq__in=wanted[start : start + BATCH])
        stored |= {seq: (sha256, kind) for seq, sha256, kind in rows.values_list("seq", "sha256", "kind")}
    lost = 0
    restored_from = report.newest + 1  # from this entry on, a restore replaced what the line had noted
    wrong_seqs: list[int] = []
    for row in reversed(noted):
        sha256, kind = stored.get(row["seq"], ("", ""))
        if sha256 == row["sha256"]:
            restored_from = min(restored_from, row["seq"]) if kind == "log.restored" else restored_from
        elif row["seq"] >= restored_from <= report.newest:
            lost += 1
        else:
            wrong_seqs.append(row["seq"])
    for seq in sorted(set(wrong_seqs)):
        message = (
            gettext("Entry %(seq)s is missing although it was written: the end of the log was cut off.")
            if seq > report.newest
            else gettext("Entry %(seq)s differs from the copy that was saved when it was written.")
        )
        _add(report, message % {"seq": seq})
    last = AuditEntry.objects.filter(kind="log.restored").order_by("-seq").first()
    if last is None:
        return ""
    message = ngettext(
        "Restored from a backup on %(day)s (entry %(seq)s); %(n)s entry written after that backup is lost.",
        "Restored from a backup on %(day)s (entry %(seq)s); %(n)s entries written after that backup are lost.",
        lost,
    )  # fmt: skip
    return message % {"day": date_format(last.created, gettext("j F Y, H:i")), "seq": last.seq, "n": lost}


def _check_sent(report: VerificationReport, noted: Sequence[dict[str, Any]]) -> None:
    """Add a problem if an entry older than LATE_AFTER has a head that was not noted, or not sent."""
    last = AuditEntry.objects.filter(created__lt=timezone.now() - LATE_AFTER).order_by("-seq").first()
    if last is None:
        return
    if max((row["seq"] for row in noted), default=0) < last.seq:
        report.problems.append(
            gettext("The newest entries are not in %(file)s. Check that Openbook can write this file.")
            % {"file": settings.AUDIT_HEADS}
        )
    sent = chain_heads.read_sent()
    if settings.AUDIT_HEADS_URL and int(sent.get("seq") or 0) < last.seq:
        report.problems.append(
            gettext("The newest entry has not reached AUDIT_HEADS_URL: %(error)s")
            % {"error": sent.get("error") or gettext("the worker has not sent it.")}
        )


def _newest() -> int:
    return AuditEntry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def _add(report: VerificationReport, message: str) -> None:
    if len(report.faults) < MAX_FAULTS:
        report.faults.append(message)
