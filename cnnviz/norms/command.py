"""`python -m cnnviz batch-norm`: what the lesson on batch normalization needs measured."""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cnnviz.checkpoints.accuracy_text import percent
from cnnviz.checkpoints.evaluation_pictures import find_test_pictures, why_not_here
from cnnviz.checkpoints.folders import CheckpointFile, checkpoint_folders, find_checkpoint
from cnnviz.data.datasets import PROJECT, load_split
from cnnviz.errors import CheckpointError, DataError, SettingError
from cnnviz.norms.batch_effects import BATCH_SIZES
from cnnviz.norms.experiment_records import (
    KINDS,
    Experiment,
    ExperimentRun,
    experiment_file,
    pack_experiment,
)
from cnnviz.norms.forgotten_eval import (
    ORDERS,
    ForgottenEval,
    ForgottenRow,
    forgotten_eval_file,
    pack_forgotten_eval,
)
from cnnviz.progress_line import ProgressLine
from cnnviz.settings import whole_number

_PROBE_EVERY: Final = 4


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds `batch-norm` and what it can measure."""
    parser = commands.add_parser(
        "batch-norm",
        help="measure what batch normalization does, for its lesson",
        description="Measurements that take too long for a page; each is kept as a JSON file that "
        "says how it was made.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    forgotten = actions.add_parser(
        "forgotten-eval",
        help="accuracy in training mode: what a forgotten model.eval() costs",
        description="Runs a checkpoint in training mode over its whole test split, in batches of "
        "several sizes, sorted by class (canonical) and by lot (shuffled).",
    )
    forgotten.add_argument("name", metavar="NAME", help="the checkpoint")
    forgotten.add_argument("--batch-sizes", type=_whole_numbers, default=BATCH_SIZES, metavar="N,N")
    forgotten.add_argument("--orders", nargs="+", choices=ORDERS, default=list(ORDERS))
    forgotten.add_argument("--seed", type=int, default=0, help="of the shuffled order")
    forgotten.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    forgotten.add_argument("--threads", type=int, help="processor threads; all cores unless given")
    forgotten.add_argument(
        "--out", type=Path, help="folder for the file; the checkpoint's unless given"
    )
    forgotten.set_defaults(run=_forgotten_eval)

    experiment = actions.add_parser(
        "experiment",
        help="train with and without, and look at it",
        description="Trains a network several times; see cnnviz/norms/experiment_records.py.",
    )
    experiment.add_argument("kind", choices=KINDS)
    experiment.add_argument("--model", default="plain_cnn")
    experiment.add_argument("--dataset", default="cifar10")
    experiment.add_argument("--epochs", type=int, default=5)
    experiment.add_argument("--seed", type=int, default=0)
    experiment.add_argument(
        "--learning-rates", type=_numbers, metavar="X,X", help="for learning-rates"
    )
    experiment.add_argument("--learning-rate", type=float, help="for the others; the recipe's")
    experiment.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    experiment.add_argument("--threads", type=int, help="processor threads; all cores unless given")
    experiment.add_argument("--out", type=Path, help="the file; experiments/batch_norm-KIND.json")
    experiment.set_defaults(run=_experiment)


def _forgotten_eval(arguments: argparse.Namespace) -> int:
    import torch

    from cnnviz.atomic_files import write_atomically
    from cnnviz.checkpoints.store import describe_hardware, load_checkpoint
    from cnnviz.norms.forgotten_eval_measure import measure_evaluation, measure_forgotten_eval
    from cnnviz.norms.network_norms import find_norms
    from cnnviz.training.pictures import Normalization

    _set_threads(arguments.threads)
    found: CheckpointFile = find_checkpoint(arguments.name, checkpoint_folders(PROJECT))
    network, card = load_checkpoint(found.folder, found.name)
    if not find_norms(network):
        raise CheckpointError(
            f"{card.name} has no batch normalization: for it both modes are the same"
        )
    normalization = Normalization(card.mean, card.std)
    file = forgotten_eval_file(arguments.out or found.folder, card.name)
    hardware = describe_hardware(torch.device("cpu"), arguments.precision)
    start, rows = time.perf_counter(), list[ForgottenRow]()
    with ProgressLine() as line:
        test = find_test_pictures(card, progress=line.tell)
        if test is None:
            raise DataError(why_not_here(card))
        evaluation = measure_evaluation(
            network, test, normalization, precision=arguments.precision, progress=line.tell
        )
        line.say(f"{card.name} in evaluation: {percent(evaluation)}")
        for row in measure_forgotten_eval(
            network,
            test,
            normalization,
            batch_sizes=arguments.batch_sizes,
            orders=arguments.orders,
            seed=arguments.seed,
            precision=arguments.precision,
            progress=line.tell,
        ):
            rows.append(row)
            line.say(f"batches of {row.batch_size:4}, {row.order:9}: {percent(row.accuracy)}")
            measured = ForgottenEval(
                checkpoint=card.name,
                weights_sha256=card.weights_sha256,
                test_digest=card.test_digest,
                created=_now(),
                command=_forgotten_command(arguments, hardware.threads, hardware.cores),
                seed=arguments.seed,
                elapsed_s=round(time.perf_counter() - start, 1),
                hardware=hardware,
                evaluation=evaluation,
                rows=tuple(rows),
            )
            write_atomically(file, pack_forgotten_eval(measured))
    print(f"Kept as {file}.")
    return 0


def _experiment(arguments: argparse.Namespace) -> int:
    from cnnviz.atomic_files import write_atomically
    from cnnviz.checkpoints.store import describe_hardware
    from cnnviz.norms.experiments import LEARNING_RATES, plan_experiment, run_variant
    from cnnviz.training.device import choose_device
    from cnnviz.training.memory import keep_freed_memory
    from cnnviz.training.precision import choose_precision
    from cnnviz.training.recipes import recipe

    keep_freed_memory()
    _set_threads(arguments.threads)
    changes: dict[str, Any] = {"epochs": arguments.epochs, "seed": arguments.seed}
    if arguments.learning_rate is not None:
        changes["learning_rate"] = arguments.learning_rate
    config = recipe(arguments.model, arguments.dataset, **changes)
    device = choose_device(config.device)
    # Once for all runs, so that none differs from another in its rounding.
    precision = arguments.precision
    if precision == "auto":
        precision = choose_precision(config.spec, device, config.batch_size)
    config = recipe(arguments.model, arguments.dataset, **changes, precision=precision)
    rates = arguments.learning_rates or LEARNING_RATES
    plan = plan_experiment(arguments.kind, config, rates)
    hardware = describe_hardware(device, precision)
    file = arguments.out or experiment_file(PROJECT, arguments.kind)
    start, runs = time.perf_counter(), list[ExperimentRun]()
    with ProgressLine() as line:
        data = load_split(config.dataset, "train", progress=line.tell)
        for number, (variant, changed) in enumerate(plan):
            run = run_variant(
                variant,
                changed,
                data,
                probe_every=_PROBE_EVERY if arguments.kind == "gradient" else 0,
                keep_moments=arguments.kind == "noise",
                progress=_share_of(line.tell, number, len(plan)),
            )
            runs.append(run)
            line.say(_describe(run))
            experiment = Experiment(
                kind=arguments.kind,
                created=_now(),
                command=_experiment_command(arguments, precision, hardware.threads, hardware.cores),
                train_digest=data.digest,
                hardware=hardware,
                elapsed_s=round(time.perf_counter() - start, 1),
                runs=tuple(runs),
            )
            write_atomically(file, pack_experiment(experiment))
    print(f"Kept as {file}.")
    return 0


def _describe(run: ExperimentRun) -> str:
    words = f"{run.variant}, learning rate {run.config.learning_rate:g}: "
    last = run.epochs[-1] if run.epochs else None
    if run.diverged or last is None:
        return words + run.end
    held_out = last.validation_accuracy
    right = "" if held_out is None else f", {held_out:.2%} of the held-out images right"
    return f"{words}loss {last.train_loss:.3f}{right}, {last.elapsed_s:.0f} s"


def _share_of(
    tell: Callable[[str, float], None], number: int, count: int
) -> Callable[[str, float], None]:
    return lambda words, share: tell(words, (number + share) / count)


def _forgotten_command(arguments: argparse.Namespace, threads: int, cores: int) -> str:
    words = ["python", "-m", "cnnviz", "batch-norm", "forgotten-eval", arguments.name]
    words += ["--batch-sizes", ",".join(map(str, arguments.batch_sizes))]
    if set(arguments.orders) != set(ORDERS):
        words += ["--orders", *arguments.orders]
    words += ["--seed", str(arguments.seed), "--precision", arguments.precision]
    return shlex.join(words + _threads_option(threads, cores))


def _experiment_command(
    arguments: argparse.Namespace, precision: str, threads: int, cores: int
) -> str:
    words = ["python", "-m", "cnnviz", "batch-norm", "experiment", arguments.kind]
    words += ["--model", arguments.model, "--dataset", arguments.dataset]
    words += ["--epochs", str(arguments.epochs), "--seed", str(arguments.seed)]
    if arguments.learning_rates:
        words += ["--learning-rates", ",".join(f"{rate:g}" for rate in arguments.learning_rates)]
    if arguments.learning_rate is not None:
        words += ["--learning-rate", f"{arguments.learning_rate:g}"]
    words += ["--precision", precision]
    return shlex.join(words + _threads_option(threads, cores))


def _threads_option(threads: int, cores: int) -> list[str]:
    return [] if threads == cores else ["--threads", str(threads)]  # they round differently


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(whole_number("threads", threads, least=1))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(whole_number("batch size", int(part), least=1) for part in text.split(","))
    except (ValueError, SettingError):
        raise argparse.ArgumentTypeError(f"{text!r}: use whole numbers such as 1,8,64") from None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: use numbers such as 0.01,0.1") from None
