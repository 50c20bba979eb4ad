"""What `./run test` makes of failures: real pytest runs over small files."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import run

PASSES_LATER = """
from pathlib import Path

def test_waits_in_vain_once():
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""
ALWAYS_FAILS = "\ndef test_never():\n    raise ValueError('no')\n"
FAILS_TWICE_OVER = """
import pytest

@pytest.fixture
def torn():
    yield
    raise ValueError("no way back")

def test_torn(torn):
    raise ValueError("no")
"""
PASSES = "\ndef test_fine():\n    assert True\n"


def judged(folder: Path, *texts: str, select: tuple[str, ...] = ()) -> tuple[bool, run.Count]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    for number, text in enumerate(texts):
        (folder / f"test_part{number}.py").write_text(text)
    count = run.Count()
    with ExitStack() as stack:
        # `no:django`: these files are no part of the site, and no environment of its own is theirs
        phase = run.Phase("small", (*select, "-p", "no:django", str(folder)))
        return run.run(phase, run.Servers(stack), folder, count), count


def test_what_passes_alone_counts_and_is_named(tmp_path: Path) -> None:
    good, count = judged(tmp_path, PASSES, PASSES_LATER, select=run.TWO)
    assert (good, count.passed, count.failed) == (True, 2, 0)
    assert [name.split("::")[1] for name in count.unsure] == ["test_waits_in_vain_once"]


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    good, count = judged(tmp_path, PASSES, PASSES_LATER, ALWAYS_FAILS)
    assert (good, count.passed, count.failed, len(count.unsure)) == (False, 2, 1, 1)


def test_a_test_that_fails_and_cannot_clear_up_is_one_failure(tmp_path: Path) -> None:
    good, count = judged(tmp_path, PASSES, FAILS_TWICE_OVER)
    assert (good, count.failed, count.unsure) == (False, 1, [])


def test_many_failures_are_no_chance(tmp_path: Path) -> None:
    good, count = judged(tmp_path, *[PASSES_LATER.replace('"seen"', f'"seen{n}"') for n in range(run.FEW + 1)])
    assert (good, count.failed, count.unsure) == (False, run.FEW + 1, [])


@pytest.mark.parametrize(("when", "good"), [("trylast", True), ("tryfirst", False)])
def test_a_plugin_that_fails_at_the_end_matters_only_where_nothing_was_counted(
    tmp_path: Path, when: str, good: bool
) -> None:
    """Last of all, every test has passed and stands in the report; first, there is no report."""
    hook = f"import pytest\n\n@pytest.hookimpl({when}=True)\ndef pytest_sessionfinish():\n    raise SystemError('no')\n"
    (tmp_path / "conftest.py").write_text(hook)
    found, count = judged(tmp_path, PASSES)
    assert (found, count.failed) == ((True, 0) if good else (False, 1))


@pytest.mark.parametrize("texts", [("def test_broken(:\n",), ("nothing = 1\n",)])
def test_a_phase_that_breaks_off_or_is_empty_has_failed(tmp_path: Path, texts: tuple[str, ...]) -> None:
    good, count = judged(tmp_path, *texts)
    assert (good, count.passed) == (False, 0)
    assert count.failed > 0
