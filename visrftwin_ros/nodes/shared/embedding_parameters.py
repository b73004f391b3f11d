"""The embedding network, as the nodes that use one are told of it."""

from __future__ import annotations

from visrftwin_ros.nodes.shared.twin_node import OK, WARN, NodeParameter, TwinNode
from visrftwin_ros.perception.appearance.embedding import ImageTextModel, embedding_model

EMBEDDING_PARAMETERS = (
    NodeParameter(
        "embedding_model",
        "",
        "open_clip model (ViT-B-32), its .json, or local-dir:FOLDER; empty = colours of clothes",
    ),
    NodeParameter("embedding_weights", "", "Checkpoint of embedding_model, or an open_clip tag"),
)


def embedding_of(node: TwinNode) -> ImageTextModel | None:
    """The network of the node's parameters; None, with a warning where one was asked for."""
    name = node.value("embedding_model")
    model, problem = embedding_model(name, node.value("embedding_weights"))
    if problem:
        node.report("embedding", WARN, problem)
    elif model is not None:
        node.report("embedding", OK, f"{name} is ready")
    return model
