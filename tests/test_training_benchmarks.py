"""The benchmarks of training: arithmetic, tables, a few steps of both loops. No times."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torchvision.datasets import CIFAR10

from benchmarks import (
    accuracy_over_time,
    accuracy_report,
    training,
    training_accuracy,
    training_report,
)
from benchmarks.accuracy_report import Goal, accuracy_figure, model_parts, schedule_table, thin
from benchmarks.accuracy_report import Results as AccuracyResults
from benchmarks.accuracy_report import judgement as judge_accuracy
from benchmarks.accuracy_report import to_json as accuracy_json
from benchmarks.accuracy_report import to_text as accuracy_text
from benchmarks.apart import ApartError
from benchmarks.clock import Clock
from benchmarks.machine_facts import OthersLoad, describe_others
from benchmarks.text_plot import text_plot
from benchmarks.training_accuracy import measure_accuracy
from benchmarks.training_images import random_split, take_evenly
from benchmarks.training_process import run_apart
from benchmarks.training_report import (
    Results,
    Variant,
    judgement,
    ratios,
    source_table,
    speed_table,
    spread,
    to_json,
    to_text,
)
from benchmarks.training_results import (
    Curve,
    LoopName,
    Mark,
    Point,
    Speed,
    first_above,
    mean_step_s,
)
from benchmarks.training_speed import measure_speed
from benchmarks.tutorial_loop import (
    PictureDataset,
    Transform,
    TutorialTraining,
    evaluation_transform,
    training_transform,
)
from cnnviz.data.canonical import Split
from cnnviz.models.registry import ModelSpec
from cnnviz.training.config import TrainingConfig
from cnnviz.training.pictures import hold_out
from cnnviz.training.recipes import recipe

TINY = {"batch_size": 16, "validation_count": 60, "precision": "float32"}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tiny steps: on a busy machine several threads would only wait for each other."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # for processes that are started
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def speed_of(
    images_per_s: float, wall_s: float = 10.0, *, steps: int = 175, precision: str = "float32"
) -> Speed:
    return Speed(
        batch_size=256,
        steps=steps,
        steps_per_epoch=175,
        step_s=256 / images_per_s,
        wall_s=wall_s,
        precision=precision,
        device="cpu",
        device_name="a test",
        threads=2,
    )


def curve_of(*accuracies: float, epoch_s: float = 10.0, setup_s: float = 1.0) -> Curve:
    points = tuple(
        Point(epoch, setup_s + epoch * epoch_s, accuracy)
        for epoch, accuracy in enumerate(accuracies, start=1)
    )
    trained_s = setup_s + len(points) * epoch_s
    return Curve(setup_s, points, trained_s, "float32", "cpu", "a test", 2)


# ------------------------------------------------------------------------------------- arithmetic


@pytest.mark.parametrize(
    ("marks", "step_s"),
    [
        # Four steps of 3 s settle, the others take 1 s.
        ([(n, 3.0 * min(n, 4) + max(0, n - 4)) for n in range(11)], 1.0),
        # Of four steps the last two count.
        ([(0, 0.0), (1, 5.0), (2, 10.0), (3, 11.0), (4, 12.0)], 1.0),
        # A record every eighth step: from the first one on.
        ([(0, 0.0), (8, 20.0), (16, 28.0), (20, 32.0)], 1.0),
        ([(0, 0.0), (5, 10.0)], 2.0),
    ],
)
def test_step_time_leaves_out_what_settles(marks: list[Mark], step_s: float) -> None:
    assert mean_step_s(marks) == pytest.approx(step_s)


def test_an_epoch_that_was_cut_is_reckoned_with_its_mean_step() -> None:
    cut = speed_of(512, wall_s=10.0, steps=15)
    assert (cut.images_per_s, cut.is_whole) == (512, False)
    assert cut.epoch_s == pytest.approx(10 + 160 * 0.5)
    whole = speed_of(512, wall_s=90.0)
    assert (whole.epoch_s, whole.is_whole) == (90.0, True)


def test_first_point_above_an_accuracy_is_the_one_of_least_time() -> None:
    points = [Point(9, 90.0, 0.8), Point(3, 30.0, 0.7), Point(2, 20.0, 0.6)]
    assert first_above(points, 0.65) == points[1]
    assert first_above(points, 0.7) == points[0]
    assert first_above(points, 0.8) is None


def test_curve_survives_json() -> None:
    curve = curve_of(0.3, 0.4)
    assert Curve.from_json(asdict(curve)) == curve


@pytest.mark.parametrize("count", [1, 70, 300])
def test_images_are_taken_evenly_from_all_classes(count: int) -> None:
    taken = take_evenly(random_split(300), count)
    sizes = np.bincount(taken.labels, minlength=10)
    assert len(taken) == count
    assert sizes.max() - sizes.min() <= 1
    assert not taken.is_complete


def test_more_images_than_there_are_cannot_be_taken() -> None:
    with pytest.raises(ValueError, match="301 of 300 images cannot be taken: use 1 to 300"):
        take_evenly(random_split(300), 301)


# ------------------------------------------------------------------------------ the tutorial loop


@pytest.mark.parametrize("make", [evaluation_transform, training_transform])
def test_pictures_are_those_of_torchvision(make: Callable[[], Transform]) -> None:
    """Its constructor wants the whole data set on disk; what it does to an image does not."""
    data = random_split(20)
    theirs = CIFAR10.__new__(CIFAR10)
    theirs.data, theirs.targets = np.array(data.images), data.labels.tolist()
    theirs.transform, theirs.target_transform = make(), None
    ours = PictureDataset(data.images, data.labels, make())
    assert len(ours) == len(theirs) == 20
    for index in (0, 7, 19):
        torch.manual_seed(index)
        expected, label = theirs[index]
        torch.manual_seed(index)
        image, own_label = ours[index]
        assert torch.equal(image, expected)
        assert own_label == label
        assert type(own_label) is type(label)


@pytest.mark.parametrize("loop", ["ours", "tutorial"])
@pytest.mark.parametrize("model", ["lenet5", "fast_cnn"])
def test_few_steps_of_each_loop(loop: LoopName, model: str) -> None:
    speed = measure_speed(loop, model, "cpu", 3, 1, TINY, 300, workers=0)
    assert (speed.batch_size, speed.steps, speed.steps_per_epoch) == (16, 3, 15)
    assert speed.images_per_s > 0
    assert speed.epoch_s > speed.wall_s > 0
    assert speed.precision == "float32"


@pytest.mark.parametrize("loop", ["ours", "tutorial"])
def test_a_whole_epoch_of_each_loop(loop: LoopName) -> None:
    changes = {**TINY, "batch_size": 40}
    speed = measure_speed(loop, "lenet5", "cpu", None, 1, changes, 300, workers=0)
    assert speed.is_whole
    assert speed.steps == 6
    assert speed.epoch_s == speed.wall_s


def test_both_loops_train_on_the_same_images(monkeypatch: pytest.MonkeyPatch) -> None:
    data = random_split(300)
    seen: list[npt.NDArray[np.uint8]] = []

    class Spy(TutorialTraining):
        def __init__(
            self, spec: ModelSpec, images: npt.NDArray[np.uint8], *rest: Any, **more: Any
        ) -> None:
            seen.append(images)
            super().__init__(spec, images, *rest, **more)

    monkeypatch.setattr("benchmarks.training_speed.TutorialTraining", Spy)
    measure_speed("tutorial", "lenet5", "cpu", 1, 1, TINY, 300, workers=0)
    kept, _ = hold_out(data.labels, 60)
    assert np.array_equal(seen[0], data.images[kept])


def test_a_process_of_its_own_gives_the_result() -> None:
    job: dict[str, object] = {"measure": "speed", "loop": "tutorial", "model": "lenet5"}
    job |= {"device": "cpu", "steps": 2, "warm_up": 1, "changes": TINY, "random_images": 300}
    assert Speed(**run_apart(job)).steps == 2


def test_a_process_that_fails_is_an_error_with_its_job(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ApartError, match=r"'measure': 'nothing'.*exit status 1"):
        run_apart({"measure": "nothing", "loop": "tutorial"})
    assert "use speed or accuracy" in capfd.readouterr().err


# --------------------------------------------------------------------------------------- training


def speed_results(precision: str = "bfloat16") -> Results:
    results = Results()
    results.speeds = {
        ("fast_cnn", "ours"): [
            speed_of(600, 80, precision=precision),
            speed_of(400, 100, precision=precision),
        ],
        ("fast_cnn", "tutorial"): [speed_of(200, 240), speed_of(200, 250)],
        ("fast_cnn", "ours, float32"): [speed_of(300, 160), speed_of(200, 200)],
    }
    return results


def test_ratios_are_of_the_same_round() -> None:
    results = speed_results()
    assert ratios(results, "fast_cnn", "tutorial", "ours") == [3.0, 2.0]
    assert ratios(results, "fast_cnn", "tutorial", "ours", of_epoch=True) == [3.0, 2.5]
    assert ratios(results, "lenet5", "tutorial", "ours") == []


def test_spread_is_median_and_ends() -> None:
    assert spread([3.0, 1.0, 2.0], "×") == "2.00× (1.00× to 3.00×)"
    assert spread([1234.5]) == "1,234"
    assert spread([]) == "none"


def test_table_shows_both_loops_and_how_they_differ() -> None:
    text = speed_table(speed_results())
    assert "500 (400 to 600)" in text
    assert "2.50× (2.00× to 3.00×)" in text
    assert "2.75× (2.50× to 3.00×)" in text
    assert "bfloat16" in text
    assert len(text.splitlines()) == 4


def test_source_is_split_into_the_loop_and_the_precision() -> None:
    text = source_table(speed_results())
    assert "1.25× (1.00× to 1.50×)" in text  # the loop
    assert "2.00× |" in text or "2.00× (2.00× to 2.00×)" in text  # bfloat16
    assert "none: ours is float32" in source_table(speed_results("float32"))


def test_goal_is_judged_by_images_and_by_epoch() -> None:
    results = speed_results()
    assert judgement(results).startswith("met, at least 1.5×: fast_cnn is 2.50× by images/s")
    results.speeds["fast_cnn", "tutorial"] = [speed_of(200, 100)]
    assert judgement(results).startswith("MISSED, at least 1.5×")  # 1.25 times by epoch


def test_goal_is_for_the_processor_only() -> None:
    results = speed_results()
    fields = asdict(speed_of(600))
    results.speeds["fast_cnn", "ours"] = [Speed(**{**fields, "device": "cuda"})]
    assert "no goal is set for it on this device" in judgement(results)


def test_report_says_what_was_cut_and_what_was_left_out() -> None:
    results = Results(random_images=50_000)
    results.speeds["lenet5", "tutorial"] = [speed_of(256, 10, steps=5)]
    results.left_out.append("lenet5, ours, round 1")
    text = to_text(results, {"processor": "a test"})
    assert text.startswith("- processor: a test")
    assert "50,000 random" in text
    assert "Where not all steps of an epoch were run" in text
    assert text.endswith("Left out for want of time: lenet5, ours, round 1")
    rows = to_json(results, {})["speeds"]
    assert isinstance(rows, list)
    [row] = rows
    assert (row["images_per_s"], row["epoch_s"], row["steps"]) == (256, 180, 5)


def run_plan(
    monkeypatch: pytest.MonkeyPatch, precision: str, limit_s: float = 60.0
) -> tuple[list[str], Results]:
    """What a run would measure, in order."""
    asked: list[str] = []

    def measure_once(model: str, variant: Variant, *_: object) -> Speed:
        asked.append(variant)
        return speed_of(100, precision=precision if variant == "ours" else "float32")

    monkeypatch.setattr(training, "measure_once", measure_once)
    results = Results()
    plans = {"fast_cnn": training.Plan(2, 3, 1)}
    training.measure(plans, "cpu", Clock(limit_s, results.left_out), results, lambda text: None)
    return asked, results


def test_variants_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, results = run_plan(monkeypatch, "bfloat16")
    assert asked == ["ours", "tutorial", "ours, float32"] * 2
    assert results.left_out == []
    assert results.models() == ["fast_cnn"]


def test_float32_is_not_measured_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_plan(monkeypatch, "float32")[0] == ["ours", "tutorial"] * 2


def test_what_does_not_fit_is_left_out_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, results = run_plan(monkeypatch, "bfloat16", limit_s=0.0)
    assert asked == []
    assert "fast_cnn, tutorial, round 2" in results.left_out


# ----------------------------------------------------------------------------- accuracy over time


@pytest.fixture
def tiny_data(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = {"train": random_split(300), "test": random_split(40, seed=1)}

    def load(dataset: str, name: str) -> Split:
        return splits[name]

    def tiny_recipe(model: str, dataset: str, **changes: Any) -> TrainingConfig:
        return recipe(model, dataset, **{**TINY, **changes})

    monkeypatch.setattr(training_accuracy, "load_split", load)
    monkeypatch.setattr(training_accuracy, "recipe", tiny_recipe)


@pytest.mark.usefixtures("tiny_data")
def test_our_training_is_evaluated_after_each_epoch_or_at_its_end() -> None:
    whole = measure_accuracy("ours", "lenet5", "cpu", 0, epochs=2, every_epoch=True)
    end = measure_accuracy("ours", "lenet5", "cpu", 0, epochs=2)
    assert [point.epoch for point in whole.points] == [1, 2]
    assert [point.epoch for point in end.points] == [2]
    assert end.points[0].accuracy == whole.points[1].accuracy  # evaluation disturbs nothing
    times = [whole.setup_s, *(point.seconds for point in whole.points), whole.trained_s]
    assert times == sorted(times)


@pytest.mark.usefixtures("tiny_data")
def test_tutorial_training_ends_by_its_accuracy_or_its_time() -> None:
    enough = measure_accuracy("tutorial", "lenet5", "cpu", 0, enough=-1.0, workers=0)
    late = measure_accuracy("tutorial", "lenet5", "cpu", 0, limit_s=0.0, workers=0)
    assert [len(curve.points) for curve in (enough, late)] == [1, 1]
    assert 0 <= enough.points[0].accuracy <= 1


def accuracy_results() -> AccuracyResults:
    results = AccuracyResults()
    results.schedules["lenet5"] = {
        4: Curve.from_json({**asdict(curve_of(0.0, 0.0, 0.0, 0.71)), "points": [asdict(END)]}),
        8: curve_of(0.3, 0.4, 0.5, 0.6, 0.65, 0.68, 0.70, 0.72),
    }
    return results


END = Point(4, 41.0, 0.71)


def test_goal_is_met_by_the_quickest_point_of_all_schedules() -> None:
    assert judge_accuracy(accuracy_results()) == (
        "met, 68.94% within 45 s: lenet5 had 71.00% after 41.0 s (epoch 4 of a schedule of 4)"
    )


def test_goal_is_missed_by_time_or_altogether() -> None:
    results = accuracy_results()
    del results.schedules["lenet5"][4]
    assert judge_accuracy(results).startswith("MISSED, 68.94% within 45 s: lenet5 had 70.00% after")
    results.schedules["lenet5"] = {2: curve_of(0.5, 0.6)}
    assert judge_accuracy(results).endswith("never passed it; its best was 60.00%")


def test_tutorial_loop_is_shown_as_a_ratio_or_a_bound() -> None:
    results = accuracy_results()
    results.tutorial["lenet5"] = curve_of(0.5, 0.7, epoch_s=204.5)
    assert judge_accuracy(results).endswith("after 410.0 s (epoch 2): 10.0× as long")
    results.tutorial["lenet5"] = curve_of(0.5, 0.6, epoch_s=204.5)
    assert judge_accuracy(results).endswith("(its best was 60.00%): more than 10.0× as long")


def test_report_has_tables_and_a_plot() -> None:
    results = accuracy_results()
    results.tutorial["lenet5"] = curve_of(0.5, 0.7, epoch_s=204.5)
    results.left_out.append("lenet5 in 40 epochs")
    text = accuracy_text(results, {"processor": "a test"})
    assert text.startswith("- processor: a test")
    assert "| lenet5, ours     |      4 |" in text
    assert "t the tutorial loop" in text
    assert text.endswith("Left out for want of time: lenet5 in 40 epochs")
    trainings = accuracy_json(results, {})["trainings"]
    assert isinstance(trainings, list)
    assert [row["loop"] for row in trainings] == ["ours", "ours", "tutorial"]


def test_a_training_that_broke_off_has_a_line_and_no_plot() -> None:
    results = AccuracyResults()
    results.schedules["lenet5"] = {4: curve_of()}
    assert "| lenet5, ours |   none |" in schedule_table(results)
    assert model_parts(results, "lenet5") == []
    assert "its best was 0.00%" in judge_accuracy(results)


def test_figure_has_all_points() -> None:
    results = accuracy_results()
    results.tutorial["lenet5"] = curve_of(0.5, 0.7)
    curve, ends, tutorial = accuracy_figure(results).data
    assert list(curve.y) == [0.3, 0.4, 0.5, 0.6, 0.65, 0.68, 0.70, 0.72]
    assert (list(ends.x), list(ends.y)) == ([41.0, 81.0], [0.71, 0.72])
    assert list(tutorial.x) == [11.0, 21.0]


@pytest.mark.parametrize(("points", "count"), [(40, 12), (12, 12), (3, 12), (0, 12)])
def test_a_long_curve_is_thinned_between_its_ends(points: int, count: int) -> None:
    curve = curve_of(*np.linspace(0, 1, points))
    shown = thin(curve.points, count)
    assert len(shown) == min(points, count)
    assert len(set(shown)) == len(shown)
    assert shown[:1] == list(curve.points[:1])
    assert shown[-1:] == list(curve.points[-1:])


def test_text_plot_puts_points_where_they_belong() -> None:
    series = {"*": [(0.0, 0.1), (10.0, 0.9)], "o": [(5.0, 0.5)]}
    assert text_plot(series, x_label="s", y_format=".0%", width=5, height=3).splitlines() == [
        "90% |    *",
        "    |  o",
        "10% |*",
        "    +-----",
        "     0s 10",
    ]


def test_text_plot_takes_a_single_point_and_refuses_none() -> None:
    assert "*" in text_plot({"*": [(0.0, 0.5)]}, x_label="s", y_format=".0%")
    with pytest.raises(ValueError, match="no plot of nothing"):
        text_plot({"*": []}, x_label="s", y_format=".0%")
    with pytest.raises(ValueError, match="a mark is one character: '\\*\\*'"):
        text_plot({"**": [(0.0, 0.5)]}, x_label="s", y_format=".0%")


def test_schedules_ascend_to_the_recipe_s_own() -> None:
    assert accuracy_over_time.planned_epochs("lenet5", quick=True) == (1, 2)
    for model in accuracy_over_time.SCHEDULES:
        planned = accuracy_over_time.planned_epochs(model, quick=False)
        assert list(planned) == sorted(set(planned))
        assert len(planned) >= 3


def test_every_training_is_a_process_and_the_longest_is_a_curve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs: list[dict[str, object]] = []

    def run_apart(job: dict[str, object]) -> dict[str, object]:
        jobs.append(job)
        return asdict(curve_of(0.5))

    monkeypatch.setattr(accuracy_over_time, "run_apart", run_apart)
    results = AccuracyResults()
    schedules = {"lenet5": (1, 2), "fast_cnn": (1,)}
    clock = Clock(60, results.left_out)
    accuracy_over_time.measure(schedules, 30, "cpu", 7, clock, results, lambda text: None)
    asked = [(job["model"], job["loop"], job.get("every_epoch")) for job in jobs]
    assert asked == [
        ("lenet5", "ours", False),
        ("lenet5", "ours", True),
        ("lenet5", "tutorial", None),
        ("fast_cnn", "ours", True),
    ]
    assert {job["seed"] for job in jobs} == {7}
    assert list(results.schedules["lenet5"]) == [1, 2]
    assert list(results.tutorial) == ["lenet5"]


def test_goals_are_those_of_the_project() -> None:
    assert training_report.GOALS == {"lenet5": 3.0, "fast_cnn": 1.5}
    assert {
        "lenet5": Goal(0.6894, 45),
        "fast_cnn": Goal(0.90, 600),
    } == accuracy_report.GOALS


# ---------------------------------------------------------------------------------------- machine


def write_stat(file: Path, user_s: float, idle_s: float) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    file.write_text(f"cpu  {user_s * ticks:.0f} 0 0 {idle_s * ticks:.0f} 7 0 0 0 0 0\ncpu0 1\n")


def test_time_of_others_is_all_but_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"user": 5.0, "children": 10.0, "elapsed": 100.0}

    def times() -> os.times_result:
        return os.times_result((now["user"], 0.0, now["children"], 0.0, now["elapsed"]))

    monkeypatch.setattr(os, "times", times)
    write_stat(tmp_path / "stat", 1000, 500)
    others = OthersLoad(tmp_path / "stat")
    now |= {"user": 6.0, "children": 24.0, "elapsed": 110.0}  # 15 s of our own in 10 s
    write_stat(tmp_path / "stat", 1020, 900)
    assert others.cores() == pytest.approx(0.5)
    assert OthersLoad(tmp_path / "none").cores() is None


def test_a_disturbed_run_says_so() -> None:
    assert describe_others(0.04) == "0.04 cores"
    assert describe_others(0.5) == "0.50 cores: TOO MUCH, do not publish these figures"
    assert describe_others(None) == "unknown"
    for cores, counts in ((0.04, True), (0.5, False)):
        machine = {"others": describe_others(cores)}
        for text in (to_text(speed_results(), machine), accuracy_text(accuracy_results(), machine)):
            assert ("These verdicts do not count" in text) is not counts


# --------------------------------------------------------------------------------------- commands


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("training.py", ("--quick", "--models NAMES", "--device", "--minutes", "--out FILE")),
        ("accuracy_over_time.py", ("--quick", "--plot FILE", "--baseline-minutes", "--seed")),
    ],
)
def test_help_works(project: Path, script: str, options: tuple[str, ...]) -> None:
    command = [sys.executable, f"benchmarks/{script}", "--help"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(option in done.stdout for option in options)


@pytest.mark.parametrize("main", [training.main, accuracy_over_time.main])
def test_an_unknown_model_is_refused(
    main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--models", "vgg16"])
    assert "'vgg16' is not measured here; use lenet5, fast_cnn" in capsys.readouterr().err
