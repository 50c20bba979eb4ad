"""What is withheld of messages that are copied goes along unseen, so that the copies come back when they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson

from apps.conversations import trace
from apps.conversations.models import Message, Trace, Withdrawn


def cited(copied: Iterable[UUID]) -> set[int]:
    """The sources on which the withheld ones among these messages stand."""
    found = Withdrawn.objects.filter(message__in=list(copied)).values_list("citations", flat=True)
    return {cite["source_id"] for citations in found for cite in citations if cite["source_id"]}


def carry(ids: Mapping[UUID, UUID], twins: Mapping[int, int] | None, *, whole: bool) -> None:
    """The copies of those that are withheld can be given back too. `ids`: the copies by their originals; `twins`:
    likewise of sources, None where none are copied; `whole`: for the person whose messages they were. Call inside the
    transaction of the copy."""
    rows = list(Withdrawn.objects.filter(message__in=list(ids)))
    if not rows:
        return
    names = {pk.hex.encode(): new.hex.encode() for pk, new in ids.items()}
    Withdrawn.objects.bulk_create(_copy(row, ids, twins, whole=whole) for row in rows)
    for record in Trace.objects.filter(answer__in=list(ids.values())):
        value = _renamed(trace.unpack(bytes(record.data)), names)
        Trace.objects.filter(pk=record.pk).update(data=trace.pack(value))
    for answer in Message.objects.filter(pk__in=list(ids.values()), nothing_found=True):
        Message.objects.filter(pk=answer.pk).update(steps=_renamed(answer.steps, names))


def _copy(row: Withdrawn, ids: Mapping[UUID, UUID], twins: Mapping[int, int] | None, *, whole: bool) -> Withdrawn:
    fields, record = dict(row.fields), bytes(row.trace)
    if not whole:
        usage = {name: value for name, value in fields["usage"].items() if name != "thoughts"}
        fields |= {"steps": [], "tools": [], "usage": usage}
        record = trace.pack(trace.for_readers(trace.unpack(record))) if record else record
    if twins is None:
        fields["quotes"] = []
    cites = row.citations if twins is not None else []
    return Withdrawn(
        message_id=ids[row.pk], fields=fields, trace=record,
        citations=[_cite(cite, twins or {}) for cite in cites],
        queries=_later(row.queries, ids), notes=_later(row.notes, ids),
    )  # fmt: skip


def _cite(cite: Mapping[str, Any], twins: Mapping[int, int]) -> dict[str, Any]:
    columns = {name: value for name, value in cite.items() if name != "id"}
    return columns | {"source_id": twins.get(columns["source_id"])}


def _later(kept: Mapping[str, Any], ids: Mapping[UUID, UUID]) -> dict[str, Any]:
    """What is kept by later answer, by the copies of those that were copied too."""
    return {str(ids[UUID(pk)]): said for pk, said in kept.items() if UUID(pk) in ids}


def _renamed(value: Any, names: Mapping[bytes, bytes]) -> Any:
    """JSON in which places of the originals are those of the copies."""
    data = orjson.dumps(value)
    for old, new in names.items():
        data = data.replace(b"\\u0001" + old + b"\\u0001", b"\\u0001" + new + b"\\u0001")
    return orjson.loads(data)
