"""What was read before serves again until a reader, or a package that reads files, changes; no other package counts."""

from __future__ import annotations

import ast
import sys
from importlib import metadata

import pytest

from apps.documents.ingestion import content_reuse


@pytest.fixture(autouse=True)
def fresh() -> None:
    content_reuse._fingerprint_code.cache_clear()


def with_version(monkeypatch: pytest.MonkeyPatch, package: str, version: str) -> str:
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: version if name == package else real(name))
    content_reuse._fingerprint_code.cache_clear()
    return content_reuse._fingerprint_code()


def test_reuse_fingerprint_ignores_packages_that_read_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        name, version = "some-unrelated-package", "1.0"

    before = content_reuse._fingerprint_code()
    real = list(metadata.distributions())
    monkeypatch.setattr(metadata, "distributions", lambda: [*real, Other()])
    content_reuse._fingerprint_code.cache_clear()
    assert content_reuse._fingerprint_code() == before
    assert with_version(monkeypatch, "lxml", "99") != before


def test_reuse_fingerprint_covers_every_package_that_a_reader_imports() -> None:
    folder = content_reuse._APPS
    names: set[str] = set()
    for path in [path for pattern in content_reuse._READERS for path in folder.glob(pattern)]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    foreign = names - sys.stdlib_module_names - {"apps", "django"}
    known = metadata.packages_distributions()
    packages = {next(iter(known[name])).lower().replace("_", "-") for name in foreign}
    assert packages <= set(content_reuse._PACKAGES), packages - set(content_reuse._PACKAGES)


def test_parser_version_covers_files_of_every_pattern() -> None:
    """A folder that moved would otherwise leave the digest unchanged when its parsers change."""
    assert [name for name in content_reuse._READERS if not list(content_reuse._APPS.glob(name))] == []
