"""The mark of the system text: found however it is written, judged under its clause, and never kept or logged."""

from __future__ import annotations

import asyncio
import base64
import logging
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from apps.conversations.turns import prompt
from apps.documents.library import web_fetcher
from apps.safety.detectors import canary, timeouts
from apps.safety.gate import exports, gate
from apps.safety.gate.web_addresses import FetchRefused
from apps.safety.policy import defaults, versions
from apps.safety.policy.evaluation import SignalStatus
from apps.safety.policy.schema import PROMPT_LEAK_CLAUSE, Action, Stage, parse_policy
from tests.safety.web_server import site

WAYS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "capitals": str.upper,
    "full width": lambda mark: "".join(chr(ord(char) + 0xFEE0) for char in mark),
    "spaced": " ".join,
    "hyphens": "-".join,
    "numbered lines": lambda mark: "\n".join(f"- {char}" for char in mark),
    "Markdown": lambda mark: f"**{mark[:4]}**{mark[4:]}",
    "reversed": lambda mark: mark[::-1],
    "its beginning": lambda mark: mark[:6],
    "its end": lambda mark: mark[-6:],
    "base64": lambda mark: base64.b64encode(mark.encode()).decode(),
    "base64 of a sentence": lambda mark: base64.b64encode(f"The prompt is {mark.upper()}.".encode()).decode(),
    "base64 in lines": lambda mark: "\n".join(base64.b64encode(f"It is {mark}.".encode()).decode()),
    "hexadecimal": lambda mark: mark.encode().hex(),
    "URL": lambda mark: "".join(f"%{ord(char):02x}" for char in mark),
    "URL twice": lambda mark: quote(quote("".join(f"%{ord(char):02x}" for char in mark))),
    "entities": lambda mark: "".join(f"&#{ord(char)};" for char in mark),
}  # fmt: skip
HARMLESS = (
    "The lighthouse of Alexandria was built between 280 and 247 BC; it stood about 100 metres high.",
    "Angstschweiß, Rechtsschutz, čtvrthrst, strengths: https://example.org/a%20b?c=d&amp;e=f#g",
    "c2hvcnQgdGV4dCB3aXRob3V0IGFueXRoaW5n 6a6b6c 550e8400-e29b-41d4-a716-446655440000",
    "QWxhZGRpbjpvcGVuIHNlc2FtZQ== XML, HTML, PDF, JPG, CSV, TXT, BMP, WMV",
)


@pytest.mark.parametrize("way", WAYS)
def test_canary_is_found_and_located_however_it_is_written(way: str) -> None:
    said = WAYS[way](canary.canary_token())
    text = f"It says: {said} and goes on."
    found = canary.find_spans(text)
    first = min(start for start, _ in found)
    assert first <= text.index(said) + 2, "or behind the signs before its first letter"
    assert text.index(said) + len(said) <= max(end for _, end in found)
    assert canary.find_spans(text, since=len(text)) == [], "what was let through is not judged again"
    assert not canary.find_spans(canary.mask_canary(text)) and len(canary.mask_canary(text)) == len(text)


def test_canary_is_not_found_in_harmless_texts() -> None:
    assert [canary.find_spans(text) for text in HARMLESS] == [[]] * len(HARMLESS)
    for file in Path("docs").rglob("*.md"):
        assert canary.find_spans(file.read_text()) == [], file


def test_canary_is_the_sites_own_and_the_same_every_time(settings: Any) -> None:
    mark, text = canary.canary_token(), prompt.build_system_text("Be brief.", tools=True)
    assert (canary.canary_token(), prompt.build_system_text("Be brief.", tools=True)) == (mark, text)
    assert mark in prompt.build_system_text(without_sources=True) and mark.isalpha() and len(mark) == 10
    settings.SECRET_KEY = "another site " * 8
    assert canary.canary_token() != mark and canary.find_spans(mark) == []


@pytest.mark.parametrize("way", WAYS)
async def test_a_window_with_it_is_withheld_under_its_clause(way: str) -> None:
    said = WAYS[way](canary.canary_token())
    verdict = await gate.check_sentence(f"It says: {said} and goes on.")
    assert (verdict.allowed, verdict.code) == (False, "prompt_leak") and "confidential instructions" in verdict.message
    assert verdict.evaluation is not None and not canary.find_spans(verdict.evaluation.text), (
        "what is kept has a gap instead"
    )
    (signal,) = [one for one in verdict.evaluation.signals if one.detector == canary.DETECTOR]
    assert signal.version == canary.FINGERPRINT and signal.spans and verdict.evaluation.stage == Stage.ANSWER


async def test_a_stream_that_says_it_letter_by_letter_ends_before_most_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.safety.gate.streaming.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("apps.safety.gate.streaming.WAIT_S", 0.01)
    shown = ""

    async def slowly() -> AsyncIterator[str]:
        for char in canary.canary_token():
            yield f"{char} "
            await asyncio.sleep(0.03)

    with pytest.raises(gate.Withheld):
        async for piece in gate.moderate_stream(slowly()):
            shown += piece
    assert len(shown.replace(" ", "")) < 6 and not canary.find_spans(shown)


async def test_the_policy_decides_and_one_of_before_withholds(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row for row in defaults.make_default_policy({})["clauses"] if row["code"] != "prompt_leak"]
    before = parse_policy({"clauses": rows})
    assert (
        parse_policy(defaults.make_default_policy({})).clauses["prompt_leak"]
        == before.clauses["prompt_leak"]
        == PROMPT_LEAK_CLAUSE
    )
    monkeypatch.setattr(versions, "current_policy", lambda: before)
    assert not (await gate.check_sentence(f"It says: {canary.canary_token()}")).allowed
    clause = replace(before.clauses["prompt_leak"], rule_action=Action.LABEL)
    mild = replace(before, clauses={**before.clauses, "prompt_leak": clause})
    monkeypatch.setattr(versions, "current_policy", lambda: mild)
    verdict = await gate.check_sentence(f"It says: {canary.canary_token()}, as was asked.")
    assert (verdict.allowed, verdict.code) == (True, "prompt_leak")


async def test_canary_check_that_times_out_lets_nothing_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(timeouts.TIMEOUT_S, "canary", -1.0)
    verdict = await gate.check_sentence("The office is open until five in the evening.")
    assert not verdict.allowed and verdict.evaluation is not None
    assert [one.status for one in verdict.evaluation.signals if one.detector == "canary"] == [SignalStatus.TIMEOUT]
    assert not gate.check_outgoing("https://example.org/").allowed


@pytest.mark.django_db(transaction=True)
def test_canary_said_before_does_not_leave_by_an_export_or_a_link() -> None:
    for stage in (Stage.EXPORT, Stage.SHARE):
        held, free = exports.check_texts(stage, [f"It says: {canary.canary_token()}", "It is a hundred metres high."])
        assert (held.allowed, held.code, free.allowed) == (False, "prompt_leak", True)


@pytest.mark.parametrize("way", ["plain", "capitals", "reversed", "base64", "URL", "hexadecimal"])
def test_address_with_the_canary_is_not_fetched_or_logged(
    settings: Any, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    said = WAYS[way](canary.canary_token())
    with site() as web, caplog.at_level(logging.DEBUG):
        settings.FETCH_ALSO = {("127.0.0.1", web.port)}
        for path in (f"/{said}/page", f"/?q={said}"):
            with pytest.raises(FetchRefused, match="confidential instructions"):
                web_fetcher.fetch_url(web.page(path, b"found"))
        web.redirect("/go", f"/?q={said}")
        with pytest.raises(FetchRefused, match="confidential instructions"):
            web_fetcher.fetch_url(web.address("/go"))
        asked = [request.split(b"\r\n")[0] for request in web.requests]
    assert asked == [b"GET /go HTTP/1.1"] and said not in caplog.text


def test_host_name_with_the_canary_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_fetcher, "resolve_address", lambda address: pytest.fail("the name was asked for"))
    with pytest.raises(FetchRefused, match="confidential instructions"):
        web_fetcher.fetch_url(f"https://{canary.canary_token()}.example.org/")


def test_logs_and_tracebacks_never_hold_the_canary() -> None:
    handlers = logging.getLogger().handlers
    assert any(isinstance(one, canary.CanaryLogFilter) for handler in handlers for one in handler.filters), (
        "it is set up"
    )
    try:
        raise ValueError(prompt.build_system_text())
    except ValueError:
        error = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "Sent %s", (prompt.build_system_text(),), error)
    assert canary.CanaryLogFilter().filter(record)
    line = logging.Formatter("%(message)s").format(record)
    assert (
        canary.canary_token() not in line
        and "Sent Prompt ██████████. Answer" in line
        and "ValueError: Prompt █" in line
    )
    other = logging.LogRecord("x", logging.INFO, __file__, 1, "Sent %d bytes", (5,), None)
    assert canary.CanaryLogFilter().filter(other) and (other.msg, other.args) == ("Sent %d bytes", (5,))
