"""Licences of the packages that run Openbook, as their metadata state them, and the notices of what it ships.

The packages are those of `pyproject.toml`, its extras for running, and everything that these require here. A package
that an installation leaves out is not judged.
"""

from __future__ import annotations

import re
from enum import IntEnum
from importlib import metadata

import pytest
from simpleeval import simple_eval

from assistant.boot.packages import read_pins
from tests.project import licence_list
from tests.project.licence_list import EXTRAS, NOTICES, READ_IN_THE_PACKAGE, installed_packages

ROOT = licence_list.ROOT
# Shared libraries under the LGPL, or under the GPL with the exception for GCC's runtime, that wheels hold.
LESSER_LIBRARIES = re.compile(r"lib(heif|de265|avcodec|geos|quadmath|gfortran|gomp|crypt|keyutils)\b")


class Kind(IntEnum):
    """Terms of a licence, from the freest to the strictest."""

    PERMISSIVE = 0  # also MPL: its terms end at its own files
    LESSER = 1  # LGPL
    UNKNOWN = 2
    COPYLEFT = 3  # GPL, AGPL


COPYLEFT = re.compile(r"Affero|(?<!Lesser )General Public|\bA?GPL", re.IGNORECASE)
LESSER = re.compile(r"Lesser General Public|\bLGPL", re.IGNORECASE)
CLOSED = re.compile(r"Proprietary|Commercial|-NC\b", re.IGNORECASE)
PERMISSIVE = re.compile(
    r"\b(0BSD|Apache|BSD|BSL-1\.0|CC0|CNRI-Python|ISC|MIT|MPL|Mozilla|PSFL?|Python Software Foundation|Unlicense)\b"
)
OPERATORS = {"AND": "and", "OR": "or"}


def classify_name(name: str) -> Kind:
    """Return the strictest kind that a licence's name, or a text with several names, speaks of."""
    if COPYLEFT.search(name):
        return Kind.COPYLEFT
    if LESSER.search(name):
        return Kind.LESSER
    return Kind.PERMISSIVE if PERMISSIVE.search(name) and not CLOSED.search(name) else Kind.UNKNOWN


def classify_expression(expression: str) -> Kind:
    """Return the freest kind under which an SPDX expression can be satisfied."""
    for kind in Kind:
        possible = re.sub(
            r"[\w.+-]+(?: WITH [\w.+-]+)?",
            lambda term: OPERATORS.get(term.group()) or str(classify_name(term.group()) <= kind),  # noqa: B023
            expression,
        )
        if simple_eval(possible):
            return kind
    raise AssertionError(expression)


def classify_package(package: metadata.Distribution) -> Kind:
    """Return the kind of its SPDX expression or, where there is none, of its licence field and classifiers together."""
    fields = package.metadata
    if expression := fields.get("License-Expression"):
        return classify_expression(expression)
    stated = (fields.get("License") or "").strip().partition("\n")[0]  # some packages put the whole text there
    return classify_name(
        "; ".join([stated, *(c for c in fields.get_all("Classifier") or [] if c.startswith("License"))])
    )


def packages_of_kind(extra: str, kind: Kind) -> set[str]:
    """Return the names of the installed packages of one kind."""
    return {name for name, package in installed_packages(extra).items() if classify_package(package) is kind}


@pytest.fixture(params=EXTRAS, ids=lambda extra: extra or "base")
def extra(request: pytest.FixtureRequest) -> str:
    if not installed_packages(request.param):
        pytest.skip(f"the extra {request.param} is not installed")
    return str(request.param)


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("MIT", Kind.PERMISSIVE),
        ("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later", Kind.PERMISSIVE),
        ("MPL-2.0 AND (Apache-2.0 OR GPL-3.0-or-later)", Kind.PERMISSIVE),
        ("Apache-2.0 WITH LLVM-exception AND BSD-3-Clause", Kind.PERMISSIVE),
        ("MIT AND LGPL-3.0-only", Kind.LESSER),
        ("LicenseRef-Own", Kind.UNKNOWN),
        ("CC-BY-NC-4.0", Kind.UNKNOWN),
        ("MIT AND GPL-3.0-or-later", Kind.COPYLEFT),
        ("AGPL-3.0-only", Kind.COPYLEFT),
    ],
)
def test_a_choice_of_licences_counts_as_its_freest_and_a_sum_as_its_strictest(expression: str, kind: Kind) -> None:
    assert classify_expression(expression) is kind


@pytest.mark.parametrize(
    ("stated", "kind"),
    [
        ("New BSD", Kind.PERMISSIVE),
        ("; License :: OSI Approved :: Apache Software License", Kind.PERMISSIVE),
        ("BSD-3-Clause; License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", Kind.LESSER),
        ("MIT; License :: OSI Approved :: GNU General Public License v3 (GPLv3)", Kind.COPYLEFT),
        ("GNU Affero General Public License v3", Kind.COPYLEFT),
        ("GPLv2+", Kind.COPYLEFT),
        ("MIT; License :: Other/Proprietary License", Kind.UNKNOWN),
        ("", Kind.UNKNOWN),
    ],
)
def test_free_words_about_a_licence_are_taken_at_their_strictest(stated: str, kind: Kind) -> None:
    assert classify_name(stated) is kind


def test_runtime_packages_are_not_under_the_gpl_or_agpl(extra: str) -> None:
    assert packages_of_kind(extra, Kind.COPYLEFT) - READ_IN_THE_PACKAGE.keys() == set()


def test_runtime_packages_state_a_known_licence_or_were_read(extra: str) -> None:
    assert packages_of_kind(extra, Kind.UNKNOWN) - READ_IN_THE_PACKAGE.keys() == set()


def test_the_notices_name_each_package_under_the_lgpl_or_a_proprietary_licence(extra: str) -> None:
    notices = NOTICES.read_text()
    proprietary = {name for name, licence in READ_IN_THE_PACKAGE.items() if "proprietary" in licence}
    wanted = packages_of_kind(extra, Kind.LESSER) | (proprietary & installed_packages(extra).keys())
    assert {name for name in wanted if f"`{name}`" not in notices} == set()


def test_a_package_is_read_by_hand_only_where_its_metadata_do_not_answer(extra: str) -> None:
    clear = packages_of_kind(extra, Kind.PERMISSIVE) | packages_of_kind(extra, Kind.LESSER)
    assert clear & READ_IN_THE_PACKAGE.keys() == set()


def test_the_notices_name_every_file_of_weights() -> None:
    notices = NOTICES.read_text()
    weights = list((ROOT / "apps").rglob("weights/*.safetensors"))
    assert weights
    assert [path.name for path in weights if path.name not in notices] == []


def test_the_list_of_licences_has_the_pinned_versions() -> None:
    listed, pins = licence_list.read_list(NOTICES.read_text()), read_pins()
    assert len(listed) > 100
    assert {name: version for name, (version, _) in listed.items() if pins.get(name) != version} == {}


def test_the_list_of_licences_names_every_package_here_with_the_licence_that_it_states() -> None:
    listed, packages = licence_list.read_list(NOTICES.read_text()), licence_list.all_packages()
    stated = {name: licence_list.stated_licence(name, package) for name, package in packages.items()}
    assert {name: licence for name, licence in stated.items() if listed.get(name, ("", ""))[1] != licence} == {}
    assert [name for name, licence in stated.items() if not licence] == []


def test_the_notices_name_each_wheel_with_a_library_under_the_lgpl_or_of_gcc() -> None:
    """In the part that is written by hand, which says what the library is."""
    notices, _, _ = NOTICES.read_text().partition(licence_list.BEGIN)
    holders = {
        name
        for name, package in licence_list.all_packages().items()
        if any(".so" in path.name and LESSER_LIBRARIES.match(path.name) for path in package.files or [])
    }
    assert "pi-heif" in holders
    assert {name for name in holders if f"`{name}`" not in notices} == set()
