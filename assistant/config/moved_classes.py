"""Engine classes that moved: what an operator wrote into the environment before goes on working for one version."""

from __future__ import annotations

import warnings

_MOVED = {
    "apps.engines.classify.planted.PlantedClassifier":
        "apps.engines.classify.indirect_injection.IndirectInjectionClassifier",
    "apps.engines.classify.tagger.PersonalTagger":
        "apps.engines.classify.pii_tagger.PiiTagger",
    "apps.engines.classify.text.LinearClassifier":
        "apps.engines.classify.linear_classifier.LinearClassifier",
    "apps.engines.embed.sentence.SentenceEmbed":
        "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder",
    "apps.engines.image.pictogram.painter.PictogramPainter":
        "apps.engines.image.pictogram.engine.PictogramPainter",
    "apps.engines.index.milvus.MilvusIndex":
        "apps.engines.index.milvus.engine.MilvusIndex",
    "apps.engines.index.pgvector.PgvectorIndex":
        "apps.engines.index.pgvector.engine.PgvectorIndex",
    "apps.engines.rank.consistency.Consistency":
        "apps.engines.nli.consistency.ConsistencyModel",
}  # fmt: skip


def resolve_class(path: str) -> str:
    """Return the dotted path of an engine class as it is called now, with a warning where `path` is an old one."""
    moved = _MOVED.get(path)
    if moved is None:
        return path
    warnings.warn(f"{path} is called {moved} now. Write the new name; the old one ends with the next version.",
                  DeprecationWarning, stacklevel=2)  # fmt: skip
    return moved
