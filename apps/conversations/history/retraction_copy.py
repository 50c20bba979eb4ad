"""Copy retracted content along with copied messages, unseen, so that a later restore reaches the copies too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from apps.conversations.models import RetractedMessage
from apps.conversations.turns import trace


def find_cited_sources(copied: Iterable[UUID]) -> set[int]:
    """Return the ids of the sources that the retracted ones among these messages cite."""
    found = RetractedMessage.objects.filter(message__in=list(copied)).values_list("citations", flat=True)
    return {cite["source_id"] for citations in found for cite in citations if cite["source_id"]}


def copy_retractions(ids: Mapping[UUID, UUID], twins: Mapping[int, int] | None, *, whole: bool) -> None:
    """Copy the retracted content of the messages. Call inside the transaction of the copy.

    `ids` maps originals to copies, `twins` old to new source ids (None if sources are not copied). `whole` means that
    the copies belong to the user of the originals.
    """
    rows = RetractedMessage.objects.filter(message__in=list(ids))
    RetractedMessage.objects.bulk_create(_copy(row, ids, twins, whole=whole) for row in rows)


def _copy(
    row: RetractedMessage, ids: Mapping[UUID, UUID], twins: Mapping[int, int] | None, *, whole: bool
) -> RetractedMessage:
    fields, record = dict(row.fields), bytes(row.trace)
    if not whole:
        usage = {name: value for name, value in fields["usage"].items() if name != "thoughts"}
        fields |= {"steps": [], "tools": [], "usage": usage}
        record = trace.pack_trace(trace.redact_for_readers(trace.unpack_trace(record))) if record else record
    if twins is None:
        fields["quotes"] = []
    cites = row.citations if twins is not None else []
    return RetractedMessage(
        message_id=ids[row.pk], fields=fields, trace=record,
        citations=[_cite(cite, twins or {}) for cite in cites],
    )  # fmt: skip


def _cite(cite: Mapping[str, Any], twins: Mapping[int, int]) -> dict[str, Any]:
    columns = {name: value for name, value in cite.items() if name != "id"}
    return columns | {"source_id": twins.get(columns["source_id"])}
