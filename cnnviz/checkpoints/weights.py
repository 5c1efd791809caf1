"""The weights of a network as bytes, and back; strict in every name, shape and type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from torch import nn

from cnnviz.checkpoints.card import StoredPrecision
from cnnviz.errors import CheckpointError, SettingError
from cnnviz.models.registry import ModelSpec, build_model
from cnnviz.settings import shown
from cnnviz.training.state import half_precision

_MAX_HEADER: Final = 1_000_000  # bytes; a network of a hundred tensors needs a hundredth of it


def build_skeleton(spec: ModelSpec) -> nn.Module:
    """The network without numbers: names, shapes and types alone, on the device "meta".

    Costs no memory, and leaves torch's random numbers as they are. CheckpointError if there can
    be no such network, as where the text of a pasted one does not fit its pictures.
    """
    try:
        with torch.device("meta"):
            return build_model(spec)
    except SettingError as error:
        raise CheckpointError(f"there is no such network: {error}") from None


def pack_weights(network: nn.Module, precision: StoredPrecision) -> bytes:
    """A network's state as a safetensors file; float16 keeps running variances in float32.

    CheckpointError for a number that is not finite in that precision.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, tensor in network.state_dict().items():
        if precision == "float16":
            array = half_precision(tensor, name)
        else:
            wide = tensor.detach().cpu()
            wide = wide.float() if wide.is_floating_point() else wide
            array = np.array(wide.contiguous().numpy())  # 0-d stays 0-d
        if not np.isfinite(array).all():
            hint = "; store it in float32" if torch.isfinite(tensor).all() else ""
            raise CheckpointError(f"{name} holds nan or infinity in {precision}{hint}")
        arrays[name] = array
    return safetensors.numpy.save(arrays, {"format": "pt"})


def largest_file(spec: ModelSpec, precision: StoredPrecision) -> int:
    """The most bytes that the weights of such a network can take in a file."""
    wanted = _stored_types(build_skeleton(spec), precision)
    return sum(t.numel() * t.element_size() for t in wanted.values()) + _MAX_HEADER


def unpack_weights(data: bytes, spec: ModelSpec, precision: StoredPrecision) -> nn.Module:
    """The network in evaluation, its floating-point numbers in float32, on the CPU.

    CheckpointError unless the data are a whole safetensors file whose tensors are exactly those of
    the network, finite, in that precision.
    """
    try:
        tensors = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"it is no whole safetensors file ({shown(str(error))})") from None
    wanted = _stored_types(build_skeleton(spec), precision)
    if missing := sorted(set(wanted) - set(tensors)):
        raise CheckpointError(f"it lacks {_some(missing)} of {spec.name}")
    if unknown := sorted(set(tensors) - set(wanted)):
        raise CheckpointError(f"it has {_some(unknown)}, which {spec.name} has not")
    for name, tensor in tensors.items():
        fits = wanted[name]
        if (tensor.dtype, tensor.shape) != (fits.dtype, fits.shape):
            raise CheckpointError(
                f"{name} is {_describe(tensor)}; {spec.name} in {precision} has {_describe(fits)}"
            )
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"{name} holds nan or infinity")
    return network_of(spec, tensors)


def network_of(spec: ModelSpec, state: Mapping[str, Any]) -> nn.Module:
    """The network in evaluation, with the tensors or arrays of its state, in float32.

    CheckpointError unless these are exactly those of the network.
    """
    network = build_skeleton(spec)
    tensors = {name: torch.as_tensor(value) for name, value in state.items()}
    wide = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    try:
        network.load_state_dict(wide, strict=True, assign=True)
    except RuntimeError as error:
        raise CheckpointError(str(error)) from None
    return network.eval()


def _stored_types(network: nn.Module, precision: StoredPrecision) -> dict[str, torch.Tensor]:
    """Tensors without content, of the shapes and types that a file has."""
    wanted = {}
    for name, tensor in network.state_dict().items():
        half = precision == "float16" and not name.endswith("running_var")
        wanted[name] = tensor.half() if half and tensor.is_floating_point() else tensor
    return wanted


def _describe(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _some(names: list[str]) -> str:
    # Names come from a file that may hold anything, hence shown.
    return ", ".join(map(shown, names[:3])) + (
        f" and {len(names) - 3} more" if len(names) > 3 else ""
    )
