"""Embeddings of people: the loading path on a tiny random network saved as weights (no hub is in
reach here, so what real weights recognise is not tested), the bounded rate, and the words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.appearance.clothing import CLOTHING, ClothingWords
from visrftwin_ros.perception.appearance.embedding import BURST, ImageTextModel, PersonEmbedder
from visrftwin_ros.perception.measurements.detections import Detections

SECOND = 1_000_000_000


def test_weights_on_disk_embed_images_and_words(tiny_clip: tuple[str, str]) -> None:
    model, again = ImageTextModel(*tiny_clip), ImageTextModel(*tiny_clip)
    random = np.random.default_rng(0)
    crops = [random.integers(0, 256, (80, 30, 3), np.uint8) for _ in range(3)]
    looks = model.image_embeddings(crops)
    assert looks.shape == (3, 24)
    np.testing.assert_allclose(np.linalg.norm(looks, axis=1), 1.0)
    np.testing.assert_allclose(looks, again.image_embeddings(crops), atol=1e-6)
    assert model.text_embeddings(["a coat", "jeans"]).shape == (2, 24)
    words = ClothingWords(model)
    assert words.entry(looks[0]) in {"", *CLOTHING}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda m, w: (m, ""), "no embedding weights ''"),
        (lambda m, w: (m, "/no/such.pt"), "'/no/such.pt'"),
        (lambda m, w: ("ViT-Z-99", w), "knows no model 'ViT-Z-99'"),
        (lambda m, w: ("ViT-B-32", w), "cannot load embedding weights"),
        (lambda m, w: ("/no/model.json", w), "no embedding model configuration"),
        (lambda m, w: (m, __file__), "cannot load embedding weights"),
    ],
)
def test_weights_that_cannot_be_loaded_are_named(
    tiny_clip: tuple[str, str], change, named: str
) -> None:
    with pytest.raises(TwinError, match=named):
        ImageTextModel(*change(*tiny_clip))


class Counting:
    """Gives every crop the embedding of its mean colour, and counts."""

    def __init__(self) -> None:
        self.crops = 0
        self.name = "counting"

    def image_embeddings(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        self.crops += len(crops)
        means = np.array([crop.reshape(-1, 3).mean(axis=0) + 1.0 for crop in crops])
        return means / np.linalg.norm(means, axis=1, keepdims=True)


IMAGE = np.full((400, 900, 3), 60, np.uint8)


def detected(seconds: float, names: Sequence[str], height: float = 100.0) -> Detections:
    """Boxes side by side, one a box track."""
    boxes = [[50.0 + 60 * k, 200.0, 30.0, height] for k in range(len(names))]
    return Detections(
        round(seconds * SECOND) + SECOND,
        "view1",
        (900, 400),
        np.array(boxes).reshape(-1, 4),
        np.full(len(names), 0.8),
        tuple(names),
    )


def test_the_rate_is_bounded_and_everybody_gets_a_turn() -> None:
    model = Counting()
    embedder = PersonEmbedder(model, rate=5.0)  # type: ignore[arg-type]
    names = [str(k) for k in range(12)]
    first = embedder.embedded_detections(IMAGE, detected(0.0, names))
    assert model.crops == BURST and np.count_nonzero(first.embedding.any(axis=1)) == BURST
    for k in range(1, 31):
        last = embedder.embedded_detections(IMAGE, detected(0.1 * k, names))
        assert model.crops <= BURST + 5.0 * 0.1 * k + 1e-6
    assert last.embedding.any(axis=1).all() and model.crops == 12


def test_nobody_is_embedded_twice_until_they_change_or_time_passes() -> None:
    model = Counting()
    embedder = PersonEmbedder(model, rate=5.0)  # type: ignore[arg-type]
    for k in range(50):
        embedder.embedded_detections(IMAGE, detected(0.1 * k, ["1"]))
    assert model.crops == 1
    embedder.embedded_detections(IMAGE, detected(5.1, ["1"], height=180.0))
    assert model.crops == 2  # came nearer
    for k in range(120):
        embedder.embedded_detections(IMAGE, detected(5.2 + 0.1 * k, ["1"], height=180.0))
    assert model.crops == 3


def test_who_has_no_track_or_is_small_or_covered_has_no_embedding() -> None:
    model = Counting()
    embedder = PersonEmbedder(model)  # type: ignore[arg-type]
    found = embedder.embedded_detections(IMAGE, detected(0.0, ["", ""]))
    assert model.crops == 0 and found.embedding.shape == (2, 0)
    embedder.embedded_detections(IMAGE, detected(0.1, ["1"], height=20.0))
    assert model.crops == 0


def test_memory_does_not_grow_with_those_who_left() -> None:
    model = Counting()
    embedder = PersonEmbedder(model, rate=100.0)  # type: ignore[arg-type]
    for k in range(400):
        embedder.embedded_detections(IMAGE, detected(0.5 * k, [str(k)]))
    assert len(embedder) <= 22


class Words:
    """A text model whose phrases lie on the axes, one entry each."""

    def text_embeddings(self, texts: Sequence[str]) -> np.ndarray:
        entries = list(CLOTHING.values())
        rows = [next(k for k, e in enumerate(entries) if text in e) for text in texts]
        return np.eye(len(entries), 8)[rows]


def test_clothing_is_the_entry_whose_words_are_likest() -> None:
    words = ClothingWords(Words())
    for k, name in enumerate(CLOTHING):
        look = np.eye(len(CLOTHING), 8)[k] + 0.1
        assert words.entry(look / np.linalg.norm(look)) == name


def test_clothing_is_not_guessed() -> None:
    words = ClothingWords(Words())
    assert words.entry(np.ones(8) / np.sqrt(8)) == ""  # all alike
    assert words.entry(np.zeros(8)) == ""
    assert words.entry(np.ones(72) / np.sqrt(72)) == ""  # colours, not this network's
