"""What administrators change is written down by a layer above, which registers its log here in `ready()`,
and what else follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from apps.users.models import User


class AuditRecorder(Protocol):
    """As `apps.safety.audit_log.audit.record_event`: written with the transaction that it belongs to, or not at all."""

    def __call__(
        self, kind: str, *, actor: User | None = None, person: int | None = None, subject: str = "", **payload: Any
    ) -> object: ...


_recorders: list[AuditRecorder] = []


def register_recorder(recorder: AuditRecorder) -> None:
    if recorder not in _recorders:
        _recorders.append(recorder)


def record_change(
    kind: str, *, actor: User | None = None, person: int | None = None, subject: str = "", **payload: Any
) -> None:
    """Call inside the transaction of the change. Names of people stay out: entries outlive accounts."""
    for recorder in _recorders:
        recorder(kind, actor=actor, person=person, subject=subject, **payload)
