"""`python -m cnnviz train`: trains a network, with progress, and keeps it as a checkpoint."""

from __future__ import annotations

import argparse
import shlex
import signal
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, get_type_hints

from cnnviz.checkpoints import folders
from cnnviz.checkpoints.folders import check_name
from cnnviz.data.catalogue import DATASETS
from cnnviz.data.datasets import PROJECT, load_split
from cnnviz.errors import CnnvizError, SettingError
from cnnviz.models.registry import MODELS, PASTED
from cnnviz.progress_line import ProgressLine
from cnnviz.settings import whole_number
from cnnviz.training.config import CHOICES, TrainingConfig
from cnnviz.training.recipes import recipe
from cnnviz.training.records import EndRecord, EpochRecord, StartRecord, StepRecord

if TYPE_CHECKING:
    from cnnviz.checkpoints.card import Hardware
    from cnnviz.training.loop import Training
    from cnnviz.training.run_folder import RunFolder, RunPlan

TRAINED: Final = PROJECT / folders.TRAINED


class TrainingFailedError(CnnvizError):
    """A training that ended before its time; the message says what would do."""


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds `train` with an option for each setting of a training."""
    parser = commands.add_parser(
        "train",
        help="train a network and keep it as a checkpoint",
        description="Trains a network by its recipe; every setting can be changed. Ctrl-C stops "
        "it, and --resume goes on as if it had never stopped. At the end the test split is "
        "evaluated, once, and the network is kept with its card.",
    )
    parser.add_argument(
        "--model", choices=(*MODELS, PASTED.name), help="the network; without --resume a must"
    )
    parser.add_argument("--dataset", choices=DATASETS, help="what it learns; a must too")
    parser.add_argument("--name", help="of the checkpoint; MODEL-DATASET unless given")
    parser.add_argument(
        "--out", type=Path, default=TRAINED, help="folder for the checkpoint (trained/)"
    )
    parser.add_argument(
        "--run",
        type=Path,
        dest="run_folder",
        metavar="RUN",
        help="folder for records, snapshots and state (trained/NAME.run/)",
    )
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on with a stopped training")
    parser.add_argument("--no-snapshots", action="store_true", help="keep no network of each epoch")
    parser.add_argument("--half", action="store_true", help="store the weights in half precision")
    parser.add_argument("--threads", type=int, help="processor threads; all cores unless given")
    settings = parser.add_argument_group(
        "settings of the training", "each is the recipe's unless given"
    )
    types = get_type_hints(TrainingConfig)
    for field in fields(TrainingConfig):
        if field.name not in ("model", "dataset"):
            option = "--" + field.name.replace("_", "-")
            settings.add_argument(option, **_argument(field.name, types[field.name]))
    parser.set_defaults(run=_train)


def _argument(name: str, type_: object) -> dict[str, Any]:
    if name in CHOICES:
        return {"choices": CHOICES[name]}
    if name == "network_text":
        return {"type": _text_of, "metavar": "FILE", "help": "of the network, for --model pasted"}
    if type_ in (int, float):
        return {"type": type_, "metavar": "N" if type_ is int else "X"}
    return {"action": argparse.BooleanOptionalAction}  # batch_norm


def _text_of(file: str) -> str:
    """What stands in a file; for argparse."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{file} cannot be read ({error})") from None


def _train(arguments: argparse.Namespace) -> int:
    import torch

    from cnnviz.training.loop import train
    from cnnviz.training.memory import keep_freed_memory
    from cnnviz.training.run_folder import RunFolder
    from cnnviz.training.state import TrainingState

    keep_freed_memory()
    if arguments.threads is not None:
        torch.set_num_threads(whole_number("threads", arguments.threads, least=1))
    state = None
    if arguments.resume:
        folder = RunFolder(arguments.resume.absolute())
        plan = folder.plan()
        state = TrainingState.load(folder.state)
    else:
        plan = _plan(arguments)
        folder = RunFolder((arguments.run_folder or default_run_folder(plan.name)).absolute())
        folder.refuse_unfinished()
    with ProgressLine() as line:
        data = load_split(plan.config.dataset, "train", progress=line.tell)
        for note in data.notes:
            line.say(note)
        if state is None and arguments.validation_count is None:
            plan = _hold_out_no_more_than_a_tenth(plan, len(data))
        line.tell("Getting ready", 0.0)
        training = train(plan.config, data, state=state)
    if state is None:
        folder.begin(plan)
    else:
        folder.go_on_from(state.progress)
    end = _iterate(training, folder, snapshots=not arguments.no_snapshots)
    if end is None:
        folder.save_state(training.state())
        print(f"Stopped after {training.step:,} of {training.total_steps:,} steps. To go on:")
        print(f"  python -m cnnviz train --resume {shlex.quote(str(folder.path))}")
        raise KeyboardInterrupt
    if end.reason != "finished":
        raise TrainingFailedError(end.message)
    _keep(training, plan, folder)
    folder.finish()
    return 0


def _plan(arguments: argparse.Namespace) -> RunPlan:
    from cnnviz.training.run_folder import RunPlan

    if arguments.model is None or arguments.dataset is None:
        raise SettingError("a training needs --model and --dataset, or --resume")
    changes = {
        field.name: getattr(arguments, field.name)
        for field in fields(TrainingConfig)
        if field.name not in ("model", "dataset") and getattr(arguments, field.name) is not None
    }
    config = recipe(arguments.model, arguments.dataset, **changes)
    name = check_name(arguments.name or default_name(config))
    return RunPlan(config, name, _in_project(arguments.out), arguments.half)


def _hold_out_no_more_than_a_tenth(plan: RunPlan, count: int) -> RunPlan:
    """A recipe counts on the whole data set; of a starter set less is held out, too."""
    held_out = min(plan.config.validation_count, count // 10)
    return replace(plan, config=replace(plan.config, validation_count=held_out))


def _iterate(training: Training, folder: RunFolder, *, snapshots: bool) -> EndRecord | None:
    """Runs it to its end; None if the first Ctrl-C stopped it. A second one leaves at once."""
    with ProgressLine() as line, _FirstInterrupt() as interrupt:
        for record in training:
            folder.append(record)
            if isinstance(record, StartRecord):
                line.say(_describe_start(record))
            elif isinstance(record, StepRecord):
                line.tell(_describe_step(record, training.config.epochs), record.fraction_done)
            elif isinstance(record, EpochRecord):
                line.say(_describe_epoch(record, training.config.epochs))
                if snapshots:
                    folder.save_snapshot(training.snapshot())
                folder.save_state(training.state())
            else:
                return record
            if interrupt.came:
                break
    return None


class _FirstInterrupt:
    """Notes the first SIGINT, so that a step under way is finished before the state is saved."""

    def __enter__(self) -> Self:
        self.came = False
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, *_: object) -> None:
        self.came = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _keep(training: Training, plan: RunPlan, folder: RunFolder) -> None:
    """Evaluates the test split, once, and writes the checkpoint."""
    from cnnviz.checkpoints.accuracy_text import accuracy_text
    from cnnviz.checkpoints.store import describe_hardware
    from cnnviz.training.keep import Origin, keep_network

    hardware = describe_hardware(training.device, training.precision)
    origin = Origin(
        normalization=training.normalization,
        train_digest=training.digest,
        command=command_line(plan, hardware, folder.path),
        epochs=training.epochs_done,
        train_s=training.elapsed_s,
        hardware=hardware,
    )
    with ProgressLine() as line:
        card, test = keep_network(
            PROJECT / plan.out,
            plan.name,
            training.network,
            training.config,
            origin,
            half=plan.half,
            progress=line.tell,
        )
    print(f"On the test split, {card.test_count:,} pictures that it has never seen:")
    print(accuracy_text(test.class_names, card.single_view, card.with_flip))
    print(f"Kept as {PROJECT / plan.out / plan.name}.safetensors, with its card (.json).")


def command_line(plan: RunPlan, hardware: Hardware, run_folder: Path) -> str:
    """The shell's line that repeats a training on such a machine, in the precision that was chosen.

    What the recipe says is left out; the card holds the whole configuration beside it. Paths in
    the project are relative to it.
    """
    config = plan.config
    words = ["python", "-m", "cnnviz", "train"]
    words += ["--model", config.model, "--dataset", config.dataset]
    if plan.name != default_name(config):
        words += ["--name", plan.name]
    usual = recipe(config.model, config.dataset, network_text=config.network_text)
    if config.network_text:  # it stands in the card
        words += ["--network-text", f"{plan.name}.py"]
    explicit = {**config.to_json(), "precision": hardware.precision}  # not "auto" in a card
    for field in fields(TrainingConfig):
        value = explicit.get(field.name, field.default)
        if value == getattr(usual, field.name) and field.name != "seed":
            continue
        option = field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", str(value)]
    if plan.half:
        words.append("--half")
    if hardware.device == "cpu" and hardware.threads != hardware.cores:  # they round differently
        words += ["--threads", str(hardware.threads)]
    if PROJECT / plan.out != TRAINED:
        words += ["--out", _in_project(PROJECT / plan.out)]
    if run_folder != default_run_folder(plan.name):
        words += ["--run", _in_project(run_folder)]
    return shlex.join(words)


def default_run_folder(name: str) -> Path:
    """Where records, snapshots and state of a checkpoint's training lie unless told otherwise."""
    return TRAINED / f"{name}.run"


def _in_project(path: Path) -> str:
    path = path.absolute()
    return str(path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path)


def default_name(config: TrainingConfig) -> str:
    """The name of a checkpoint that was given none."""
    return f"{config.model}-{config.dataset}"


def _describe_start(record: StartRecord) -> str:
    threads = f", {record.threads} threads" if record.device == "cpu" else ""
    return (
        f"{record.device_name}{threads}, {record.precision}; {record.parameters:,} parameters; "
        f"{record.train_count:,} images to train on, {record.validation_count:,} held out"
    )


def _describe_step(record: StepRecord, epochs: int) -> str:
    return (
        f"epoch {min(int(record.epoch) + 1, epochs)} of {epochs}  loss {record.loss:.3f}  "
        f"right {record.accuracy:.1%}  {record.images_per_s:,.0f} images/s  "
        f"{_clock(record.remaining_s)} left"
    )


def _describe_epoch(record: EpochRecord, epochs: int) -> str:
    held_out = ""
    if record.validation_loss is not None and record.validation_accuracy is not None:
        held_out = (
            f"   held out: loss {record.validation_loss:.3f}, "
            f"{record.validation_accuracy:6.2%} right"
        )
    return (
        f"epoch {record.epoch:{len(str(epochs))}} of {epochs}   training: "
        f"loss {record.train_loss:.3f}, {record.train_accuracy:6.2%} right{held_out}   "
        f"{_clock(record.elapsed_s)}"
    )


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
