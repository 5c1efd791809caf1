"""A run as one plain PyTorch program that trains the same network without cnnviz."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cnnviz.data.catalogue import find_dataset
from cnnviz.models.registry import find_model
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import StartRecord

if TYPE_CHECKING:
    from cnnviz.runs.run import Event

_WIDTH: Final = 96
_OPTIMIZERS: Final = {
    "sgd": "Stochastic gradient descent with Nesterov momentum.",
    "adamw": "AdamW (Loshchilov & Hutter 2019).",
}


def training_script(
    config: TrainingConfig,
    *,
    name: str = "",
    start: StartRecord | None = None,
    events: Sequence[Event] = (),
) -> str:
    """The program. It needs torch, torchvision and numpy, and says what it does not repeat.

    name: of the run. start: what was decided when it began, if it did: device, precision, images.
    events: what was done to it; changes of learning rate and weight decay are repeated. Builds the
    network's shapes with torch, which is imported here for the first time.
    """
    from cnnviz.training.script_network import network_code

    changes = {event.step: event for event in events if event.kind == "changed"}
    if start is not None:
        precision = start.precision
        device = f'"{start.device.partition(":")[0]}"'
    else:
        precision = "bfloat16" if config.precision == "bfloat16" else "float32"
        found = '"cuda" if torch.cuda.is_available() else "cpu"'
        device = found if config.device == "auto" else f'"{config.device}"'
    dataset = find_dataset(config.dataset)
    values = {field: repr(value) for field, value in config.to_json().items()} | {
        "device": device,
        "changes": "\n".join(
            f"    {step}: ({event.learning_rate!r}, {event.weight_decay!r}),"
            for step, event in sorted(changes.items())
        ),
        "size": f"{dataset.height}, {dataset.width}",
        "network": network_code(config.spec).strip("\n"),
        "optimizer": _OPTIMIZERS[config.optimizer],
        "decay": "weight_decay" if changes else "WEIGHT_DECAY",
        "file": f"{config.model}-{config.dataset}.pt",
    }
    conditions = _conditions(config, precision, changed=bool(changes))
    program = _fill(_template(), values, conditions)
    header = _header(config, name, start, precision, changed=bool(changes))
    return f'"""{header}\n"""\n\n{program}'


def _conditions(config: TrainingConfig, precision: str, *, changed: bool) -> dict[str, bool]:
    """What the template asks: the parts that this run has."""
    turns = bool(config.rotation_deg or config.scaling)
    moves = config.flip != "none" or config.shift > 0
    falls = config.schedule in ("triangular", "cosine")
    one_rate = config.bias_learning_rate_factor == 1
    return {
        **{name: config.dataset == name for name in ("cifar10", "mnist")},
        **{n: config.schedule == n for n in ("constant", "triangular", "cosine", "step")},
        **{name: config.optimizer == name for name in ("sgd", "adamw")},
        **{name: precision == name for name in ("float32", "bfloat16")},
        "warm-up": config.warmup > 0,
        "falls": falls,
        "falls after warm-up": falls and config.warmup > 0,
        "falls at once": falls and config.warmup == 0,
        "flip": config.flip != "none",
        "random flip": config.flip == "random",
        "alternating flip": config.flip == "alternating",
        "shift": config.shift > 0,
        "moves": moves,
        "still": not moves,
        "turn": turns,
        "cutout": config.cutout > 0,
        "draws": config.flip == "random" or config.shift > 0 or turns or config.cutout > 0,
        "dropout": config.dropout > 0 or bool(config.network_text),
        "lookahead": config.averaging == "lookahead",
        "bias factor": not one_rate,
        "one rate": one_rate,
        "one changed rate": one_rate and changed,
        "changed": changed,
        "whitening": config.model == "fast_cnn",
        "held out": config.validation_count > 0,
        "all": config.validation_count == 0,
    }


@cache
def _template() -> str:
    return Path(__file__).with_name("script_template.txt").read_text(encoding="utf-8")


def _fill(template: str, values: Mapping[str, str], conditions: Mapping[str, bool]) -> str:
    """Keeps the lines whose `#if` holds, up to its `#end`, and puts the values in."""
    lines, keeps = [], True
    for line in template.splitlines():
        if line.startswith("#if "):
            keeps = conditions[line.removeprefix("#if ")]
        elif line == "#end":
            keeps = True
        elif keeps:
            lines.append(re.sub(r"<([a-z_]+)>", lambda found: values[found[1]], line))
    return "\n".join(lines).rstrip("\n") + "\n"


def _header(
    config: TrainingConfig, name: str, start: StartRecord | None, precision: str, *, changed: bool
) -> str:
    model, dataset = find_model(config.model), find_dataset(config.dataset)
    # A name is a viewer's: it may hold quotation marks, and whatever else would end the text.
    plain = "".join(c for c in name if c.isprintable() and c not in '"\\').strip()
    notes = [
        "Another device, another PyTorch or another number of threads adds in another order: the "
        "first losses then differ in their last digits, and later ones in more of them.",
        "Pauses, snapshots and what cnnviz measures beside loss and accuracy are left out.",
    ]
    if precision == "bfloat16":
        notes.append(
            "In bfloat16 cnnviz computes some gradients by another formula on a CPU, so that "
            "losses agree in two or three digits only, and in fewer later."
        )
    if start is None and config.precision == "auto":
        notes.append(
            "Before a run begins cnnviz measures whether bfloat16 is faster; this is float32."
        )
    if start is not None and start.train_digest != dataset.train_digest:
        count = start.train_count + start.validation_count
        notes.append(
            f"The run had {count:,} other images; this program takes all of {dataset.title}. Its "
            "numbers are therefore not those of the run."
        )
    same = (
        "The same as in cnnviz: the network and its first weights, the images that are held out, "
        "each batch with its random changes, the loss, the optimizer and its learning rate"
        f"{', as it was changed while the run went on' if changed else ''}. On a CPU in float32, "
        "with the same PyTorch and as many threads, every loss is the same but for rounding."
    )
    lines = [f"Trains {model.title} on {dataset.title}, with PyTorch alone.", ""]
    if plain:
        lines += [*textwrap.wrap(f"Repeats the run {plain} of cnnviz.", _WIDTH), ""]
    lines += [
        "    pip install torch torchvision numpy",
        "",
        *textwrap.wrap(same, _WIDTH),
        "",
        "Not the same:",
    ]
    for note in notes:
        lines += textwrap.wrap(
            note, _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
        )
    return "\n".join(lines)
