"""OLE containers of old Office formats and Outlook messages, as bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TypeAlias

Tree: TypeAlias = "Mapping[str, bytes | Tree]"

_SECTOR, _LEAST = 512, 4096  # shorter streams would be stored in another stream, the mini stream
_NONE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


class _Container:
    def __init__(self) -> None:
        self.sectors: list[bytes] = []
        self.table: list[int] = []
        self._entries: list[bytes] = []

    def store(self, content: bytes) -> int:
        first = len(self.sectors)
        parts = [content[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(content), _SECTOR)]
        self.sectors += parts
        self.table += [*range(first + 1, first + len(parts)), _END]
        return first

    def chain(self, tree: Tree) -> int:
        """Store the entries and return the number of the first; each entry has the next one as its right sibling."""
        following = _NONE
        for name, content in reversed(tree.items()):
            if isinstance(content, bytes):
                padded = content.ljust(_LEAST)
                following = self.entry(name, 2, following, _NONE, self.store(padded), len(padded))
            else:
                following = self.entry(name, 1, following, self.chain(content), 0, 0)
        return following

    def entry(self, name: str, kind: int, right: int, child: int, start: int, size: int) -> int:
        words = name.encode("utf-16-le")
        facts = struct.pack("<HBBIII", len(words) + 2, kind, 1, _NONE, right, child)
        self._entries.append(words.ljust(64, b"\0") + facts + bytes(36) + struct.pack("<IQ", start, size))
        return len(self._entries)

    def directory(self, root: int) -> bytes:
        """Return the directory: the root entry, then all others."""
        self.entry("Root Entry", 5, _NONE, root, _END, 0)
        return b"".join([self._entries[-1], *self._entries[:-1]])


def ole(tree: Tree) -> bytes:
    """Return a container with this tree of streams and folders (as dictionaries)."""
    made = _Container()
    directory = made.store(made.directory(made.chain(tree)))
    used = len(made.table)
    count = -(-used // (_SECTOR // 4 - 1))  # a sector of the table also needs an entry of its own
    table = [*made.table, *[_FAT] * count]
    table += [_NONE] * (count * _SECTOR // 4 - len(table))
    places = [*range(used, used + count), *[_NONE] * (109 - count)]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6xIIIIIIIII", 62, 3, 0xFFFE, 9, 6, 0, count, directory, 0, 4096, _END, 0, _END, 0)
    return head + struct.pack("<109I", *places) + b"".join(made.sectors) + struct.pack(f"<{len(table)}I", *table)


def message(subject: str, body: str, *attached: tuple[str, bytes] | Tree) -> Tree:
    """Return the tree of an Outlook message; `attached` are files as (name, content), and messages as trees."""
    tree: dict[str, bytes | Tree] = {"__properties_version1.0": b""}
    tree |= {"__substg1.0_0037001F": _wide(subject), "__substg1.0_1000001F": _wide(body)}
    for number, one in enumerate(attached):
        if isinstance(one, tuple):
            inner: Tree = {"__substg1.0_3707001F": _wide(one[0]), "__substg1.0_37010102": one[1]}
        else:
            inner = {"__substg1.0_3701000D": one}
        tree[f"__attach_version1.0_#{number:08X}"] = inner
    return tree


def _wide(words: str) -> bytes:
    return words.ljust(_LEAST // 2).encode("utf-16-le")
