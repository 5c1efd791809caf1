"""The network behind a source of predictions, to be asked about more than its predictions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import nn

from cnnviz.checkpoints.store import load_checkpoint
from cnnviz.checkpoints.weights import network_of
from cnnviz.confusion.sources import PredictionSource
from cnnviz.errors import CheckpointError
from cnnviz.training.pictures import Normalization
from cnnviz.training.snapshot import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class SourceNetwork:
    """A network that many share: nobody trains or changes it."""

    network: nn.Module
    """In evaluation, float32, on the CPU."""
    normalization: Normalization
    digest: str
    """SHA-256 of its weights, in hexadecimal."""


def load_source_network(source: PredictionSource, epoch: int | None = None) -> SourceNetwork:
    """Reads the network; CheckpointError names the file that is damaged or holds another.

    epoch: of a run; the last if None, else the nearest that has predictions.
    """
    if not source.is_run:
        network, card = load_checkpoint(source.folder, source.key)
        digest, mean, std = card.weights_sha256, card.mean, card.std
    else:
        network, digest = _read_snapshot(source, source.nearest_epoch(epoch))
        mean, std = source.mean, source.std
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return SourceNetwork(network.eval(), Normalization(mean, std), digest)


def _read_snapshot(source: PredictionSource, epoch: int) -> tuple[nn.Module, str]:
    file = source.snapshot_file(epoch)
    snapshot = Snapshot.load(file)
    try:
        network = network_of(source.config.spec, snapshot.weights)
    except CheckpointError as error:
        raise CheckpointError(f"{file} does not hold the network of its run ({error})") from None
    if not all(torch.isfinite(tensor).all() for tensor in network.state_dict().values()):
        raise CheckpointError(f"{file} holds nan or infinity")
    digest = hashlib.sha256()
    for name, array in sorted(snapshot.weights.items()):
        digest.update(name.encode())
        digest.update(array.tobytes())
    return network, digest.hexdigest()
