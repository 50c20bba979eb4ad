"""A version in the shadow judges what the live one judges, from the same signals, and nobody notices anything of it."""

from __future__ import annotations

import asyncio
import statistics
import time

import pytest

from apps.engines import registry
from apps.lib.concurrency.threads import in_db
from apps.safety.errors import ActionRefused
from apps.safety.gate import gate
from apps.safety.models import AuditEntry, DetectorVersion, PolicyVersion, RecordedVerdict, ShadowVerdict
from apps.safety.models.verdict_log import Surface
from apps.safety.policy import versions
from apps.safety.policy.evaluation import PolicyResult, Signal, SignalStatus
from apps.safety.policy.schema import Action
from apps.safety.policy_admin import blocklist_drafts
from apps.safety.text.normalization import hash_text
from apps.safety.verdict_log import detector_versions, recorder
from apps.safety.verdict_log.shadow import VerdictChange, classify_change
from apps.users.models import User
from tests.safety.policy_drafts import MAYBE, PLAIN, SURE, make_policy_body, make_shadow_version, write_queued_verdicts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("verdicts_recorded")]
SLOWER_MS = 0.3  # that a check may take longer for what is recorded and judged beside it


async def would() -> list[tuple[str, str, str]]:
    await write_queued_verdicts()
    rows = ShadowVerdict.objects.order_by("pk")
    return await in_db(lambda: [(row.change, row.clause, row.action) for row in rows])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, None, None),
        (Action.NOTE, Action.WITHHOLD, VerdictChange.WOULD_WITHHOLD),
        (None, Action.SEND, VerdictChange.WOULD_WITHHOLD),
        (Action.SEND, None, VerdictChange.WOULD_ALLOW),
        (Action.WITHHOLD, Action.LABEL, VerdictChange.WOULD_ALLOW),
        (Action.WITHHOLD, Action.SEND, VerdictChange.REVIEW),
        (Action.REVIEW, Action.NOTE, VerdictChange.REVIEW),
        (Action.NOTE, Action.LABEL, VerdictChange.DISPLAY),
        (Action.LABEL, None, VerdictChange.DISPLAY),
    ],
)
def test_a_change_has_a_name(before: Action | None, after: Action | None, expected: VerdictChange | None) -> None:
    one, other = PolicyResult(before, "hate" if before else ""), PolicyResult(after, "hate" if after else "")
    assert classify_change(one, other) == expected


def test_shadow_change_of_a_rule_verdict_is_counted_as_unclassified() -> None:
    skipped = [Signal("text", "", SignalStatus.SKIPPED, {})]
    held = PolicyResult(Action.WITHHOLD, "weapons")
    assert classify_change(held, PolicyResult(None), skipped) is VerdictChange.WOULD_ALLOW_UNCLASSIFIED
    assert classify_change(held, PolicyResult(Action.WITHHOLD, "crime")) is VerdictChange.CLAUSE


async def test_a_stricter_version_is_recorded_and_changes_nothing(ada: User) -> None:
    row = await in_db(lambda: make_shadow_version(ada, make_policy_body(withhold=0.5)))
    said = [await gate.check_question(text) for text in (PLAIN, MAYBE, SURE)]
    assert [verdict.allowed for verdict in said] == [True, True, False]
    assert await would() == [("", "", ""), ("held", "hate", "withhold"), ("people", "hate", "withhold")]
    assert await in_db(ShadowVerdict.objects.filter(policy=row, stage="question").count) == 3
    assert (await gate.check_question(MAYBE)).allowed


async def test_a_milder_version_would_let_through(ada: User) -> None:
    await in_db(lambda: make_shadow_version(ada, make_policy_body("answer", note=0.5)))
    assert not (await gate.check_sentence(SURE)).allowed
    assert await would() == [("freed", "hate", "note")]


async def test_shadow_versions_run_no_detector_twice(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for least in (0.5, 0.55, 0.6):
        await in_db(lambda least=least: make_shadow_version(ada, make_policy_body(withhold=least)))
    read: list[int] = []
    scores = type(registry.get_text_classifier()).scores
    monkeypatch.setattr(
        type(registry.get_text_classifier()), "scores", lambda *given: (read.append(1), scores(*given))[1]
    )
    await gate.check_question(MAYBE)
    assert len(await would()) == 3
    assert read == [1]


async def test_shadow_version_looks_for_its_own_lists(ada: User) -> None:
    row = {
        "key": "list-falcon",
        "name": "Falcon",
        "owner": ada.pk,
        "code": "crime",
        "kind": "words",
        "note": "",
        "entries": ["blue falcon"],
        "action": "withhold",
        "stages": ["question", "answer"],
        "expires": None,
    }
    draft = await in_db(blocklist_drafts.save_blocklist, ada, row)
    await in_db(versions.start_shadow, ada, draft)
    assert (await gate.check_question("Who owns the blue falcon?")).allowed
    seen = "The blue falcon is a project. "
    assert (await gate.check_sentence(f"{seen}It is late.", len(seen))).allowed
    assert await would() == [("held", "crime", "withhold"), ("", "", "")]  # what was read before is not judged again


async def test_allowed_text_passes_under_any_shadow_version(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    await in_db(lambda: make_shadow_version(ada, make_policy_body(withhold=0.5)))
    monkeypatch.setitem(versions._current, "allowed", frozenset({hash_text(MAYBE)}))
    await gate.check_question(MAYBE)
    assert await would() == [("", "", "")]


def test_shadow_versions_can_be_ended_and_are_limited_in_number(ada: User) -> None:
    rows = [
        make_shadow_version(ada, make_policy_body(withhold=0.5), str(number)) for number in range(versions.MAX_SHADOWS)
    ]
    more = versions.create_draft(ada, make_policy_body(withhold=0.5))
    with pytest.raises(ActionRefused, match="3 versions"):
        versions.start_shadow(ada, more)
    assert [one.pk for one in versions.shadow_versions()] == [row.pk for row in rows]
    versions.stop_shadow(ada, rows[0])
    assert [one.pk for one in versions.shadow_versions()] == [row.pk for row in rows[1:]]
    with pytest.raises(ActionRefused, match="not in shadow mode"):
        versions.stop_shadow(ada, rows[0])
    versions.start_shadow(ada, more)
    with pytest.raises(ActionRefused, match="Only a draft"):
        versions.stop_shadow(ada, more)
        versions.start_shadow(ada, versions.get_live_version())


def test_a_version_that_cannot_be_read_stops_nothing(ada: User) -> None:
    row = make_shadow_version(ada, make_policy_body(withhold=0.5))
    PolicyVersion.objects.filter(pk=row.pk).update(body={"clauses": []})
    versions.refresh_policy()
    assert versions.shadow_versions() == ()


async def test_shadow_versions_do_not_delay_a_check(ada: User) -> None:
    """The whole way of a question through the gate, with three versions in the shadow and without any record; in turns,
    so that whatever else runs on this machine slows both."""
    for least in (0.5, 0.55, 0.6):
        await in_db(lambda least=least: make_shadow_version(ada, make_policy_body(withhold=least)))
    took: dict[bool, list[float]] = {True: [], False: []}
    for number in range(400):
        with recorder.use_surface(Surface.CHAT if number % 2 else Surface.UNRECORDED):
            began = time.perf_counter()
            await gate.check_question(f"{MAYBE} {number}")
            took[bool(number % 2)].append((time.perf_counter() - began) * 1000)
    slower = statistics.median(took[True]) - statistics.median(took[False])
    print(f"{statistics.median(took[False]):.3f} ms without, {slower:+.3f} ms with")
    assert slower < SLOWER_MS
    began = time.perf_counter()
    waiting, late = asyncio.create_task(write_queued_verdicts()), [0.0]
    while not waiting.done():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        late.append((time.perf_counter() - before) * 1000)
    print(f"200 written in {(time.perf_counter() - began) * 1000:.0f} ms, the loop at most {max(late):.1f} ms late")
    assert await in_db(RecordedVerdict.objects.count) == 200
    assert await in_db(ShadowVerdict.objects.count) == 600


async def test_new_weights_are_noticed_once_and_kept_in_the_log(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    live = await in_db(versions.get_live_version)
    await gate.check_question(PLAIN)
    await write_queued_verdicts()
    assert await in_db(detector_versions.find_version_changes, live) == []
    monkeypatch.setattr(type(registry.get_text_classifier()), "fingerprint", "text-newer")
    for _ in range(2):
        await gate.check_question(PLAIN)
        await write_queued_verdicts()
        detector_versions.clear_cache()
    (entry,) = await in_db(lambda: list(AuditEntry.objects.filter(kind="detector.changed")))
    assert (entry.subject, entry.payload) == ("detector text", {"before": "text-fake", "after": "text-newer"})
    (moved,) = await in_db(detector_versions.find_version_changes, live)
    assert (moved.name, moved.before, moved.after) == ("text", "text-fake", "text-newer")
    newer = await in_db(lambda: versions.create_draft(ada, versions.get_live_version().body))
    assert await in_db(detector_versions.find_version_changes, newer) == []
    assert await in_db(lambda: len(DetectorVersion.objects.get(pk="text").history)) == 2


async def test_weights_that_come_back_are_those_that_a_policy_was_set_for(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await in_db(versions.get_live_version)
    for version in ("one", "two", "one"):
        monkeypatch.setattr(type(registry.get_text_classifier()), "fingerprint", version)
        await gate.check_question(PLAIN)
        await write_queued_verdicts()
    assert await in_db(AuditEntry.objects.filter(kind="detector.changed").count) == 2
    assert await in_db(detector_versions.find_version_changes, live) == []
