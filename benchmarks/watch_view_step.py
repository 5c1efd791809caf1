"""The newest point of a training that a message puts on the screen of the watch view."""

from __future__ import annotations

from streamlit.proto.Delta_pb2 import Delta

from cnnviz.ui.training.packing import unpack


def newest_step(delta: Delta) -> int | None:
    """The step at which the training curve ends; None if the message brings no curve along steps.

    So the live board reads it, too, and puts it into its attribute `data-newest`.
    """
    component = delta.new_element.bidi_component
    if component.WhichOneof("data") != "bytes":
        return None
    content, numbers = unpack(component.bytes)
    if content.get("axis") != "step":
        return None
    training = [curve for curve in content["panels"][0]["curves"] if curve["kind"] == "training"]
    ends = [numbers[curve["start"] + curve["count"] - 1] for curve in training if curve["count"]]
    return int(ends[0]) if ends else None
