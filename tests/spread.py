"""Which worker of a run gets which files: each file whole, and all that load torch to one of them.

Torch and what stands on it (transformers, diffusers) take a process ten seconds to load, which a second need not spend.
A file that loads them and is not named here does no harm but that.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

TORCH = frozenset({
    "tests/conversations/test_support.py", "tests/documents/test_embedders.py", "tests/engines/test_caption.py",
    "tests/engines/test_classify.py", "tests/engines/test_embed.py", "tests/engines/test_groups.py",
    "tests/engines/test_image.py", "tests/engines/test_inside.py", "tests/engines/test_parts.py",
    "tests/engines/test_pictogram.py", "tests/engines/test_picture_classifier.py",
    "tests/engines/test_picture_families.py",
    "tests/engines/test_placed_by_layers.py", "tests/engines/test_placing.py", "tests/engines/test_planted.py",
    "tests/engines/test_rank.py", "tests/engines/test_tagger.py", "tests/images/test_built_in.py",
    "tests/images/test_real_pipeline.py", "tests/images/test_sources.py",
})  # fmt: skip


class ByFile(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "torch" if file in TORCH else file
