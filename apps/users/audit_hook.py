"""Pass changes of accounts, groups and limits to functions that a higher layer registers.

`apps.safety` registers its audit log, and what follows from a reinstatement, in `ready()`; this app does not import it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from apps.users.models import User


class AuditRecorder(Protocol):
    """Function with the signature of `apps.safety.audit_log.audit.record_event`. Its entry is written in the
    transaction of the change."""

    def __call__(
        self, kind: str, *, actor: User | None = None, user: int | None = None, subject: str = "", **payload: Any
    ) -> object: ...


_recorders: list[AuditRecorder] = []
_source: ContextVar[str] = ContextVar("audit_source", default="")


def register_recorder(recorder: AuditRecorder) -> None:
    """Add a recorder that is called for each change. Registering one twice has no effect."""
    if recorder not in _recorders:
        _recorders.append(recorder)


@contextmanager
def acting_for(source: str) -> Iterator[None]:
    """Mark the changes inside, made by no user, as those of a source such as "directory"."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def record_change(
    kind: str, *, actor: User | None = None, user: int | None = None, subject: str = "", **payload: Any
) -> None:
    """Call every recorder. Must run inside the transaction of the change.

    `user` is the id of the user concerned. Pass no names: entries outlive accounts.
    """
    if source := _source.get():
        payload.setdefault("how", source)
    for recorder in _recorders:
        recorder(kind, actor=actor, user=user, subject=subject, **payload)
