"""Fixtures of the first start: clones of this tree and an index of PyTorch's CPU builds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.lib.ports import find_free_port
from assistant.boot.layout import VENV, Layout
from tests.boot.clones import Clone, copy_tree, serve_folder


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """A clone without an environment."""
    (tmp_path / "home").mkdir()
    copy_tree(tmp_path / "openbook")
    made = Clone(
        tmp_path / "openbook", tmp_path / "home", {"PORT": str(find_free_port()), "LLM_PORT": str(find_free_port())}
    )
    yield made
    if made.process and made.process.poll() is None:
        made.kill()


@pytest.fixture
def ready_clone(clone: Clone) -> Clone:
    """A clone that uses the environment of this one: nothing is to be installed, the model server is elsewhere."""
    (clone.folder / ".venv").symlink_to(VENV)
    clone.settings["LLM_URL"] = "http://127.0.0.1:9/v1"
    return clone


@pytest.fixture
def torch_index(tmp_path: Path) -> Iterator[str]:
    """The address of an index of CPU builds, served here from the wheels that pip finds on this machine."""
    folders = [Path(name) for name in os.environ.get("PIP_FIND_LINKS", "").split()]
    wheels = [path for folder in folders for path in folder.glob("torch*+cpu*.whl")]
    if not wheels:
        pytest.skip("no folder of pip's find-links holds a CPU build of PyTorch")
    root = tmp_path / "index"
    for wheel in wheels:
        folder = root / "simple" / wheel.name.partition("-")[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / wheel.name).symlink_to(wheel)
    with serve_folder(root) as address:
        yield f"{address}/simple"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return the layout of an installation whose data folder is still to be made."""
    return Layout.read({"DATA_DIR": str(tmp_path / "data")})
