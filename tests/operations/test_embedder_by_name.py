"""Embedder named as on a model hub, from the hub's local folder: other dimension, prompts, and re-embedding."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from assistant.boot import site_setup
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import PYTHON, ROOT, Layout
from tests.support import prepared_site

pytestmark = [pytest.mark.process, pytest.mark.slow]

NAME, SIZE = "harbour/tiny-embedder", 48
REVISION = "0123456789abcdef0123456789abcdef01234567"
MAKE = """
import json, sys
from pathlib import Path
import torch
from sentence_transformers import SentenceTransformer, models
from tokenizers import Tokenizer, models as words, normalizers, pre_tokenizers, processors
from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast
base, folder = Path(sys.argv[1]), sys.argv[2]
marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
told = "the ferry leaves leave eastern pier at nine question text when does a loaf bake bakes in oven : . ?".split()
cut = Tokenizer(words.WordPiece({word: at for at, word in enumerate(marks + told)}, unk_token="[UNK]"))
cut.normalizer, cut.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
cut.add_special_tokens(marks)
pair = [(mark, cut.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
cut.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=pair)
names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), marks))
torch.manual_seed(3)
config = DistilBertConfig(vocab_size=400, dim=64, n_layers=1, n_heads=2, hidden_dim=96, max_position_embeddings=96,
                          initializer_range=0.5)
DistilBertModel(config).save_pretrained(base)
PreTrainedTokenizerFast(tokenizer_object=cut, model_max_length=96, **names).save_pretrained(base)
one = models.Transformer(str(base), max_seq_length=96)
parts = [one, models.Pooling(64, "mean"), models.Dense(64, 48), models.Normalize()]
SentenceTransformer(modules=parts, device="cpu", prompts={"query": "question: ", "document": "text: "}).save(folder)
"""
FILL = """
from django.core.files.uploadedfile import SimpleUploadedFile
from apps.documents.library import uploads
from apps.documents.ingestion.pipeline import ingest
from apps.documents.models import Collection
from apps.users.models import User
alice = User.objects.create_user("alice@example.org")
place = Collection.objects.create(owner=alice, name="Handbook")
texts = {"ferry.md": "The ferry leaves the eastern pier at nine.", "loaf.md": "A loaf bakes in the oven."}
for name, text in texts.items():
    row = uploads.store_upload(alice, place, SimpleUploadedFile(name, text.encode()))
    ingest(row.pk)
    row.refresh_from_db()
    assert row.status == "ready", row.reason
"""
ASK = """
import asyncio, json
from django.conf import settings
from django.core.management import call_command
call_command("reindex")  # here, since a process that loads the library takes six seconds for it
from apps.documents.models import Segment
from apps.documents.retrieval.search import search
from apps.engines import registry
from apps.engines.embed.model_folder import locate_model
from apps.users.models import User
embed, question = registry.get_embedder(), "When does the ferry leave?"
found = asyncio.run(search(User.objects.get(), question))
asked, told = embed.embed_query(question), embed.embed_passages([question])[0]
from sentence_transformers import SentenceTransformer
library = SentenceTransformer(str(locate_model(settings.ENGINES["embed"]["OPTIONS"]["model"])), device="cpu")
same = [asked @ library.encode_query(question), told @ library.encode_document(question)]
print("\\n" + json.dumps({
    "found": found.passages[0].text, "cosines": [float(x) for x in same], "apart": float(asked @ told),
    "made": sorted(set(Segment.objects.live().values_list("fingerprint", "dimension"))),
}))
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create the hub's local folder with one tiny model of random weights."""
    folder = tmp_path_factory.mktemp("hub")
    place = folder / "hub" / f"models--{NAME.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(REVISION)
    snapshot = place / "snapshots" / REVISION
    subprocess.run(
        [str(PYTHON), "-c", MAKE, str(folder / "base"), str(snapshot)], cwd=ROOT, check=True, capture_output=True
    )
    return folder


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """Create a site with a document that the packaged embedder has embedded."""
    for name in ("DATABASE_URL", "EMBED_BACKEND", "EMBED_MODEL", "EMBED_MORE", "INDEX_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EMBED_THREADS", "1")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    prepared_site.copy_site(Layout.read())
    site_setup.prepare_site(Layout.read())
    manage("shell", "-v0", "-c", FILL)
    return Layout.read()


def manage(*words: str) -> str:
    done = subprocess.run(
        [str(PYTHON), "manage.py", *words],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_model_by_its_name_is_refused_until_the_index_is_made_anew_and_then_finds(
    places: Layout, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(hub))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("EMBED_MODEL", NAME)
    with pytest.raises(BootError, match="another embedding model") as caught:
        site_setup.prepare_site(places)
    said = str(caught.value)
    assert caught.value.code == ExitCode.CONFIGURATION
    assert f"({SIZE})" in said and "384" in said and "EMBED_MODEL" in said and "manage.py reindex" in said

    found = json.loads(manage("shell", "-v0", "-c", ASK).splitlines()[-1])
    site_setup.prepare_site(places)
    assert found["found"].startswith("The ferry leaves")
    assert [size for _, size in found["made"]] == [SIZE]
    assert min(found["cosines"]) > 0.999  # each with its own prompt, as the library puts it
    assert found["apart"] < 0.99

    monkeypatch.setenv("EMBED_MODEL", "harbour/no-such-model")
    with pytest.raises(BootError, match="neither a folder nor can it be fetched"):
        site_setup.prepare_site(places)
