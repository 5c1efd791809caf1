"""What the confusion page's answers cost without any page, each measured in a process of its own.

    python -m benchmarks.confusion_apart '{"measure": "speed", "name": "fast_cnn-cifar10"}'

The last line on standard output is the result as JSON; progress and errors go to standard error.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.apart import run_module
from benchmarks.app_server import PROJECT
from benchmarks.plotly_numbers import numbers_of

if TYPE_CHECKING:
    from cnnviz.attribution.results import Attribution
    from cnnviz.attribution.subject import Subject

METHODS: Final = ("grad_cam", "integrated_gradients")
"""As the page opens; the steps of the second are its card's: 50."""
ALIKE: Final = 1e-3
"""Of a map's largest number: what two computations of it may differ by."""


def run_apart(job: Mapping[str, Any]) -> Any:
    """Measures in a new process and returns what was found."""
    return run_module("benchmarks.confusion_apart", job)


# ------------------------------------------------------------------------- inside of the process


def measure_speed(name: str, most: int | None) -> dict[str, Any] | None:
    """A checkpoint over its test pictures, each as it is and mirrored, as `evaluate` runs it.

    most: so many pictures, the first; all if None. None if the pictures are not on this machine.
    """
    from cnnviz.checkpoints.evaluation_pictures import find_test_pictures
    from cnnviz.checkpoints.folders import checkpoint_folders, find_checkpoint
    from cnnviz.checkpoints.logits import load_logits
    from cnnviz.checkpoints.store import load_checkpoint
    from cnnviz.evaluation import TwoViews, count_changed
    from cnnviz.predictions import predict_two_views
    from cnnviz.training.pictures import Normalization

    file = find_checkpoint(name, checkpoint_folders(PROJECT))
    start = time.perf_counter()
    network, card = load_checkpoint(file.folder, file.name)
    load_s = time.perf_counter() - start
    test = find_test_pictures(card, app_folder=PROJECT)
    if test is None:
        return None
    stored = load_logits(file.folder, card, test=test)
    images = test.images[:most]
    start = time.perf_counter()
    views = predict_two_views(network, images, Normalization(card.mean, card.std))
    seconds = time.perf_counter() - start
    expected = TwoViews(stored.logits[:most], stored.mirrored_logits[:most])
    changed = count_changed(expected, views.in_half_precision())
    return {
        "name": name,
        "pictures": len(images),
        "of": len(test),
        "load_s": load_s,
        "seconds": seconds,
        "decided_otherwise": changed.most,
    }


def measure_directly(model: str, count: int) -> dict[str, list[float]]:
    """What the page computes for its answers, called directly, warm; milliseconds of each time."""
    from cnnviz.confusion.matrix import matrix_table
    from cnnviz.confusion.selection import Selection, select
    from cnnviz.confusion.sources import load_predictions
    from cnnviz.ui.components.picture_gallery import PART

    source, predictions, pictures = _open(model)

    def matrix(number: int) -> object:
        fresh = load_predictions(source)
        return matrix_table(fresh.judgements.confusion, fresh.class_names)

    pairs = [(true, taken) for true in range(10) for taken in range(10) if true != taken]

    def gallery(number: int) -> object:
        chosen = select(Selection(*pairs[number % len(pairs)]), predictions)
        return pictures.images_of(chosen[:PART])

    subjects = _subjects(model, [7 + 61 * number for number in range(count + 1)])

    def maps(method: str) -> Callable[[int], object]:
        return lambda number: _maps(*subjects[number], method)

    found = {"matrix": matrix, "gallery": gallery, **{name: maps(name) for name in METHODS}}
    return {name: _times_ms(work, count) for name, work in found.items()}


def check_maps(model: str, file: str) -> dict[str, Any]:
    """Compares the maps that sessions received with those of their pictures, computed here.

    file: as `confusion_sessions` writes it.
    """
    from cnnviz.figures.attribution import map_figure

    answers = json.loads(Path(file).read_text(encoding="utf-8"))
    subjects = _subjects(model, [answer["picture"] for answer in answers])
    alike = 0
    wrong = list[str]()
    for answer, (subject, true) in zip(answers, subjects, strict=True):
        for method in METHODS:
            for number, made in enumerate(_maps(subject, true, method)):
                spec = answer["charts"][f"{method}.{number}"]
                expected = map_figure(subject.picture, "", made.map)
                is_own = spec["source"] == expected.data[0].source
                if is_own and is_alike(numbers_of(spec["numbers"]), made.map):
                    alike += 1
                else:
                    wrong.append(f"{method}.{number} of picture {answer['picture']}")
    return {"alike": alike, "wrong": wrong}


def is_alike(one: npt.NDArray[np.floating[Any]], other: npt.NDArray[np.floating[Any]]) -> bool:
    """Whether two maps are one, but for rounding."""
    if one.shape != other.shape:
        return False
    reach = float(np.abs(other).max())
    return bool(np.abs(one - other).max() <= ALIKE * reach)


def _open(model: str) -> tuple[Any, Any, Any]:
    """A source, its predictions and their pictures."""
    from cnnviz.confusion.pictures import find_pictures
    from cnnviz.confusion.sources import list_sources, load_predictions

    source = list_sources().find(model)
    predictions = load_predictions(source)
    return source, predictions, find_pictures(predictions)


def _subjects(model: str, places: Sequence[int]) -> list[tuple[Subject, int]]:
    """These pictures of the test split, each with the network and its true class."""
    from cnnviz.attribution.subject import Subject
    from cnnviz.confusion.source_network import load_source_network

    source, predictions, pictures = _open(model)
    found = load_source_network(source)
    images = pictures.images_of(np.array(places, dtype=np.int64))
    return [
        (Subject(found.network, found.normalization, np.array(image)), int(label))
        for image, label in zip(images, predictions.labels[list(places)], strict=True)
    ]


def _maps(subject: Subject, true: int, method: str) -> list[Attribution]:
    """The three maps that the page shows of a method: two classes, and their difference."""
    from cnnviz.attribution.differences import difference, parts_of
    from cnnviz.attribution.explain import class_probabilities, explain
    from cnnviz.attribution.requests import request_for
    from cnnviz.confusion.look import LookSettings
    from cnnviz.ui.confusion.attribution_maps import targets_of

    order = np.argsort(-class_probabilities(subject), kind="stable").tolist()
    maps = list[Any]()
    for target in targets_of(*LookSettings().classes(order, true)):
        request = request_for(method, target)
        is_made = parts_of(request) is not None
        maps.append(difference(maps[0], maps[1]) if is_made else explain(subject, request))
    return maps


def _times_ms(work: Callable[[int], object], count: int) -> list[float]:
    """Of numbers 1 to `count`; number 0 is done first and not counted."""
    times = []
    for number in range(count + 1):
        start = time.perf_counter()
        work(number)
        times.append(1000 * (time.perf_counter() - start))
    return times[1:]


MEASURES: Final[Mapping[str, Callable[..., Any]]] = {
    "speed": measure_speed,
    "directly": measure_directly,
    "check": check_maps,
}

if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    print(json.dumps(MEASURES[job.pop("measure")](**job)))
