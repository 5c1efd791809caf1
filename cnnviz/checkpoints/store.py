"""Networks to checkpoints, and checkpoints to networks."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import torch
from torch import nn

from cnnviz.atomic_files import write_atomically
from cnnviz.checkpoints.card import (
    CheckpointCard,
    Hardware,
    StoredPrecision,
    load_card,
    pack_card,
)
from cnnviz.checkpoints.folders import (
    WHAT_WOULD_DO,
    card_file,
    check_name,
    logits_file,
    read_bytes,
    require_digest,
    weights_file,
)
from cnnviz.checkpoints.logits import pack_logits
from cnnviz.checkpoints.weights import build_skeleton, largest_file, pack_weights, unpack_weights
from cnnviz.data.canonical import Split
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import CheckpointError, NonFiniteError, SettingError
from cnnviz.evaluation import TwoViews, evaluate
from cnnviz.layers import total_macs, total_parameters, trace_layers
from cnnviz.machine import processor_name, usable_cores
from cnnviz.predictions import predict_two_views
from cnnviz.training.config import TrainingConfig
from cnnviz.training.device import Precision, device_name, move
from cnnviz.training.pictures import Normalization

CPU: Final = torch.device("cpu")


def save_checkpoint(
    folder: Path,
    name: str,
    network: nn.Module,
    test: Split,
    *,
    config: TrainingConfig,
    normalization: Normalization,
    train_digest: str,
    command: str,
    epochs: int,
    train_s: float,
    hardware: Hardware,
    half: bool = False,
    progress: Progress = no_progress,
) -> CheckpointCard:
    """Writes NAME.safetensors, NAME.npz and NAME.json, and returns the card.

    The test logits are those of the stored weights, rounded to half precision if `half`, computed
    on the CPU in float32, so that every machine comes to the same but for a few roundings. The
    accuracies are those of the stored logits. Nothing is written before all is computed; an older
    checkpoint of that name is replaced. The network is not changed.

    test: pictures of the configuration's data set; usually its complete test split.
    train_digest: of the training split, as `Split` has it.
    command: the shell's line that trained it. epochs: that were done. train_s: in seconds of wall
    time. SettingError if name, configuration and test do not fit, CheckpointError if the network
    is not the configuration's or has numbers that are not finite, OSError if the folder cannot be
    written.
    """
    check_name(name)
    if test.dataset != config.dataset:
        raise SettingError(
            f"the configuration is for {config.dataset}, but the test pictures are of "
            f"{test.dataset}"
        )
    precision: StoredPrecision = "float16" if half else "float32"
    weights = pack_weights(network, precision)
    stored = move(unpack_weights(weights, config.spec, precision), CPU)
    views = predict_two_views(stored, test.images, normalization, progress=progress)
    views = views.in_half_precision()
    try:
        tables = [evaluate(view, test.labels).table for view in (views.logits, views.averaged)]
    except NonFiniteError as error:
        raise CheckpointError(f"{name} cannot be kept: {error}") from None
    logits = pack_logits(views)
    traces = trace_layers(build_skeleton(config.spec), config.spec.input_shape)
    card = CheckpointCard(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        config=config,
        train_digest=train_digest,
        test_digest=test.digest,
        test_count=len(test),
        mean=normalization.mean,
        std=normalization.std,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        logits_sha256=hashlib.sha256(logits).hexdigest(),
        stored_precision=precision,
        parameters=total_parameters(traces),
        macs=total_macs(traces),
        epochs=epochs,
        train_s=round(train_s, 1),
        hardware=hardware,
        single_view=tables[0],
        with_flip=tables[1],
    )
    _write(
        {
            weights_file(folder, name): weights,
            logits_file(folder, name): logits,
            card_file(folder, name): pack_card(card),
        }
    )
    return card


def load_checkpoint(
    folder: Path, name: str, device: torch.device = CPU
) -> tuple[nn.Module, CheckpointCard]:
    """The network, in evaluation and float32 on the device, and its card.

    CheckpointError names the file that is damaged, that does not belong to its card, or whose
    tensors are not exactly those of the card's architecture. SettingError for a name that is a
    path.
    """
    card = load_card(folder, name)
    file = weights_file(folder, name)
    data = read_bytes(file, largest_file(card.spec, card.stored_precision))
    require_digest(file, data, card.weights_sha256)
    try:
        network = unpack_weights(data, card.spec, card.stored_precision)
    except CheckpointError as error:
        raise CheckpointError(
            f"{file} does not hold the network of its card: {error}. {WHAT_WOULD_DO}"
        ) from None
    return move(network, device), card


def predict_test(
    network: nn.Module,
    card: CheckpointCard,
    test: Split,
    *,
    precision: Precision = "float32",
    progress: Progress = no_progress,
) -> TwoViews:
    """Logits of these pictures, rounded to float16 as the stored ones are."""
    normalization = Normalization(card.mean, card.std)
    views = predict_two_views(
        network, test.images, normalization, precision=precision, progress=progress
    )
    return views.in_half_precision()


def describe_hardware(device: torch.device, precision: Precision) -> Hardware:
    """This machine, as a card has it."""
    return Hardware(
        processor=processor_name(),
        cores=usable_cores(),
        device=str(device),
        device_name=device_name(device),
        precision=precision,
        threads=torch.get_num_threads(),
        torch_version=str(torch.__version__),
    )


def _write(contents: dict[Path, bytes]) -> None:
    """Writes files of one folder; first all under other names, so that a full disk harms none."""
    folder = next(iter(contents)).parent
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".saving-", dir=folder))
    try:
        for file, data in contents.items():
            write_atomically(aside / file.name, data)
        for file in contents:
            os.replace(aside / file.name, file)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
