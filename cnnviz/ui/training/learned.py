"""What the learned board shows: a network at the end of its newest epoch, from its snapshot.

No torch: snapshots hold arrays. What is made once serves all who watch.
"""

from __future__ import annotations

from typing import Any, Final

from cnnviz.data.catalogue import DatasetInfo, find_dataset
from cnnviz.errors import CheckpointError, DataError
from cnnviz.figures.snapshots import (
    filter_grid,
    filter_scale,
    picture_uri,
    probabilities_of,
    verdict,
)
from cnnviz.training.held_out_pictures import HeldOut, find_held_out
from cnnviz.training.history import EpochLook, look_at
from cnnviz.training.records import EpochRecord
from cnnviz.training.run_folder import RunFolder
from cnnviz.ui.training.live_records import Told
from cnnviz.ui.training.packing import pack
from cnnviz.ui.training.words import percent

_MOST_FILTERS: Final = 64


class LearnedSoFar:
    """What is remembered of one run from epoch to epoch. Used by one thread at a time."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._held_out: HeldOut | None = None
        self._why_not = ""
        self._digest = ""
        self._scales: dict[int, float] = {}
        self._last: tuple[tuple[int, int, int], bytes] | None = None

    def as_bytes(self, told: Told) -> bytes | None:
        """What the learned board takes; None while there is no snapshot."""
        epochs = self._folder.snapshot_epochs()
        if not epochs:
            return None
        record = next((one for one in told.epochs if one.epoch == epochs[-1]), None)
        # The record of an epoch may come a moment after its snapshot.
        key = told.run.attempt, epochs[-1], len(told.epochs)
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        info = find_dataset(told.run.config.dataset)
        self._find_pictures(told)
        try:
            look = look_at(self._folder.snapshot(epochs[-1]), self._held_out, info.channels)
            scale = self._scale_of(epochs, look, info.channels)
        except CheckpointError:  # thinned out or taken back a moment ago
            return self._last[1] if self._last is not None else None
        content = self._content(told, look, scale, record, info)
        made = pack(content)
        self._last = key, made
        return made

    def _find_pictures(self, told: Told) -> None:
        """The images that the run held out: looked for once, and again if it began anew."""
        if told.run.start is None or told.run.start.train_digest == self._digest:
            return
        self._digest = told.run.start.train_digest
        self._held_out, self._why_not = None, ""
        try:
            self._held_out = find_held_out(told.run.config, self._digest)
        except DataError as error:
            self._why_not = str(error)

    def _scale_of(self, epochs: list[int], look: EpochLook, channels: int) -> float:
        """The greatest magnitude in the filters of all epochs so far."""
        if any(epoch > look.epoch for epoch in self._scales):  # the run went back
            self._scales.clear()
        for epoch in epochs[:-1]:
            if epoch not in self._scales:
                earlier = look_at(self._folder.snapshot(epoch), None, channels)
                self._scales[epoch] = filter_scale(earlier.filters)
        self._scales[look.epoch] = filter_scale(look.filters)
        return max(self._scales.values())

    def _content(
        self,
        told: Told,
        look: EpochLook,
        scale: float,
        record: EpochRecord | None,
        info: DatasetInfo,
    ) -> dict[str, Any]:
        after = f"after epoch {look.epoch}" if look.epoch else "before training"
        shown = look.filters[:_MOST_FILTERS]
        count, _, height, width = look.filters.shape
        more = f"; the first {len(shown)} of them" if count > len(shown) else ""
        filters = f"{count} filters of {height}×{width} {after}{more}. "
        filters += "Grey is 0" if info.channels == 1 else "In each colour, middle is 0"
        filters += f", dark −{scale:.2g} and light {scale:.2g}: one scale for all epochs."
        tiles = [
            picture_uri(filter_grid(shown[i : i + 1], scale=scale, zoom=1, gap=0))
            for i in range(len(shown))
        ]
        classes, words = _classes(told, record, info)
        pictures, pictures_words = self._pictures(look, info)
        return {
            "run": told.run.id,
            "version": f"{told.run.id}.{told.run.attempt}.{look.epoch}.{record is not None}",
            "epoch": look.epoch,
            "said": _said(told, record),
            "names": list(info.class_names),
            "classes": classes,
            "filters": {"tiles": tiles, "words": f"The first layer's filters {after}"},
            "pictures": pictures,
            "notes": {"classes": words, "filters": filters, "pictures": pictures_words},
        }

    def _pictures(self, look: EpochLook, info: DatasetInfo) -> tuple[list[dict[str, Any]], str]:
        held_out = self._held_out
        if held_out is None:
            return [], self._why_not
        shares = None if look.logits is None else probabilities_of(look.logits)
        pictures: list[dict[str, Any]] = []
        for place, index in enumerate(held_out.chosen.tolist()):
            label = int(held_out.labels[index])
            row = None if shares is None else shares[place]
            finite = row is not None and bool((row == row).all())
            best = int(row.argmax()) if row is not None and finite else None
            pictures.append(
                {
                    "label": label,
                    "best": best,
                    "right": None if best is None else best == label,
                    "verdict": (
                        info.class_names[label]
                        if row is None
                        else verdict(info.class_names, row, label)
                    ),
                    "picture": (
                        None if held_out.pictures is None else picture_uri(held_out.pictures[place])
                    ),
                    "shares": (
                        [round(float(share), 4) for share in row]
                        if row is not None and finite
                        else None
                    ),
                }
            )
        names = info.class_names
        words = f"Their bars are the probabilities of {names[0]}, {names[1]} … {names[-1]}."
        return pictures, words


def _classes(
    told: Told, record: EpochRecord | None, info: DatasetInfo
) -> tuple[list[dict[str, Any]], str]:
    if told.run.config.validation_count == 0:
        return [], "No images are held out in this run: what it gets right is not measured."
    if record is None or record.per_class_accuracy is None:
        return [], "They are measured at the end of each epoch."
    before = next((one for one in told.epochs if one.epoch == record.epoch - 1), None)
    earlier = before.per_class_accuracy if before is not None else None
    rows = [
        {"name": name, "now": _share(now), "before": _share(earlier[i]) if earlier else None}
        for i, (name, now) in enumerate(
            zip(info.class_names, record.per_class_accuracy, strict=True)
        )
    ]
    words = f"Held-out images that are right after epoch {record.epoch}"
    return rows, words + (f"; a line marks epoch {record.epoch - 1}." if earlier else ".")


def _share(value: float) -> float | None:
    return round(value, 4) if value == value else None


def _said(told: Told, record: EpochRecord | None) -> str:
    if record is None:
        return ""
    words = f"Epoch {record.epoch} of {told.run.config.epochs} is done"
    if record.validation_accuracy is None:
        return words + "."
    return f"{words}: {percent(record.validation_accuracy)} of the held-out images are right."
