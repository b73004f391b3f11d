"""The embedding network, as the nodes that use one are told of it."""

from __future__ import annotations

from visrftwin_ros.errors import TwinError
from visrftwin_ros.nodes.twin_node import OK, WARN, NodeParameter, TwinNode
from visrftwin_ros.perception.embedding import ImageTextModel

EMBEDDING_PARAMETERS = (
    NodeParameter(
        "embedding_model",
        "",
        "open_clip model (ViT-B-32), its .json, or local-dir:FOLDER; empty = colours of clothes",
    ),
    NodeParameter("embedding_weights", "", "Checkpoint of embedding_model, or an open_clip tag"),
)


def embedding_model(node: TwinNode) -> ImageTextModel | None:
    """The network of the node's parameters; None, with a warning where one was asked for."""
    name = node.value("embedding_model")
    if not name:
        return None
    try:
        model = ImageTextModel(name, node.value("embedding_weights"))
    except TwinError as error:
        node.report("embedding", WARN, f"people are tracked without embeddings: {error}")
        return None
    node.report("embedding", OK, f"{name} is ready")
    return model
