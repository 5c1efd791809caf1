"""A run that is being prepared: what it begins from, what was changed, and how a URL says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cnnviz.data.catalogue import DATASETS, DatasetName, find_dataset
from cnnviz.errors import SettingError
from cnnviz.model_text.link import pack_text, unpack_text
from cnnviz.models.registry import MODELS, PASTED, ModelCard, find_model, spec_for
from cnnviz.query import QueryReader, shorten, write_number
from cnnviz.runs.limits import Limits
from cnnviz.runs.run import tidy_name
from cnnviz.training.compare import Difference, differences
from cnnviz.training.config import CHOICES, TrainingConfig
from cnnviz.training.presets import PRESETS
from cnnviz.training.recipes import recipe


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be; whole numbers have whole bounds."""

    low: float
    high: float
    step: float

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are taken."""
        return isinstance(self.step, int)


def ranges(limits: Limits) -> dict[str, Range]:
    """Field -> what may be asked for on this server."""
    return {
        "epochs": Range(1, limits.max_epochs, 1),
        "batch_size": Range(limits.min_batch_size, limits.max_batch_size, 1),
        **_RANGES,
    }


# Narrower than TrainingConfig where nothing beyond is of use.
_RANGES: Final = {
    "learning_rate": Range(0.0, 100.0, 0.01),
    "momentum": Range(0.0, 0.999, 0.01),
    "warmup": Range(0.0, 1.0, 0.05),
    "final_learning_rate": Range(0.0, 1.0, 0.01),
    "weight_decay": Range(0.0, 1.0, 0.0001),
    "label_smoothing": Range(0.0, 1.0, 0.05),
    "dropout": Range(0.0, 0.95, 0.05),
    "shift": Range(0, 8, 1),
    "rotation_deg": Range(0.0, 180.0, 5.0),
    "scaling": Range(0.0, 0.9, 0.05),
    "cutout": Range(0, 20, 1),
    "seed": Range(0, 2**31 - 1, 1),
    "validation_count": Range(0, 20_000, 500),
}

_LIMITED: Final = {"epochs": "epochs", "batch_size": "pictures in a batch"}

QUERY_KEYS: Final = {
    "epochs": "epochs",
    "batch_size": "batch",
    "learning_rate": "lr",
    "optimizer": "opt",
    "schedule": "schedule",
    "batch_norm": "norm",
    "momentum": "momentum",
    "warmup": "warmup",
    "final_learning_rate": "last",
    "averaging": "avg",
    "weight_decay": "decay",
    "label_smoothing": "smooth",
    "dropout": "dropout",
    "flip": "flip",
    "shift": "shift",
    "rotation_deg": "rotate",
    "scaling": "scale",
    "cutout": "cutout",
    "seed": "seed",
    "validation_count": "hold",
    "precision": "precision",
}
"""Field that can be set here -> its name in the URL. Network and data set are `net`, `data`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be trained, and the preset or recipe that it was changed from."""

    config: TrainingConfig
    preset: str | None = None
    """None: it began from the recipe of its network and data set."""
    name: str = ""
    """Of the run; empty: as the store names it."""
    pasted: str = ""
    """The text of the viewer's own network, also while another one is chosen."""

    def __post_init__(self) -> None:
        if self.config.network_text:
            object.__setattr__(self, "pasted", self.config.network_text)

    @classmethod
    def of_text(cls, text: str, dataset: str) -> Plan:
        """A pasted network on a data set; ModelTextError for a text that is not read."""
        return cls(recipe(PASTED.name, dataset, network_text=text))

    @classmethod
    def of_preset(cls, key: str, *, name: str = "") -> Plan:
        """A preset, unchanged."""
        return cls(PRESETS[key].config, key, name)

    @property
    def title(self) -> str:
        """LeNet-5 on CIFAR-10; so the store names a run without a name."""
        info = find_dataset(self.config.dataset)
        return f"{find_model(self.config.model).title} on {info.title}"

    @property
    def networks(self) -> tuple[ModelCard, ...]:
        """Those that can be chosen: the viewer's own too, if there is one."""
        return (*MODELS.values(), *([PASTED] if self.pasted else []))

    @property
    def base(self) -> TrainingConfig:
        """What it began from."""
        if self.preset is not None:
            return PRESETS[self.preset].config
        return _recipe(self.config.model, self.config.dataset, self.pasted)

    @property
    def changes(self) -> dict[str, Any]:
        """The fields that are not as in `base`, with their values."""
        base = self.base
        return {
            field: value_of(self.config, field)
            for field in QUERY_KEYS
            if value_of(self.config, field) != value_of(base, field)
        }

    def differences(self) -> tuple[Difference, ...]:
        """The same in words; the first value is that of `base`."""
        return differences((self.base, self.config))

    def changed(self, field: str, value: Any) -> Plan:
        """With one setting of another value.

        Another network or data set brings its own recipe; what was changed by hand stays so. A
        network that is not made for the data set comes with one that it is made for.
        """
        if field == "model":
            known = find_model(value).datasets
            dataset = self.config.dataset if self.config.dataset in known else known[0]
            return self._of(value, dataset)
        if field == "dataset":
            return self._of(self.config.model, value)
        return replace(self, config=replace(self.config, **{field: value}))

    def unchanged(self) -> Plan:
        """As it began."""
        return replace(self, config=self.base)

    def within(self, limits: Limits) -> Plan:
        """The nearest plan that this server allows."""
        plan, allowed = self, ranges(limits)
        for field in _LIMITED:
            value, bound = getattr(self.config, field), allowed[field]
            near = int(max(bound.low, min(bound.high, value)))
            if near != value:
                plan = plan.changed(field, near)
        return plan

    def beyond(self, limits: Limits) -> tuple[str, ...]:
        """A sentence for each setting of `base` that this server does not allow."""
        base, near = self.base, self.unchanged().within(limits).config
        return tuple(
            f"This server allows {'at most' if there < asked else 'at least'} {there:,} {words}."
            for field, words in _LIMITED.items()
            if (asked := getattr(base, field)) != (there := getattr(near, field))
        )

    def to_query(self) -> dict[str, str]:
        """What `read_plan` reads: the preset, or network and data set, and what was changed."""
        query = (
            {"net": self.config.model, "data": self.config.dataset}
            if self.preset is None
            else {"preset": self.preset}
        )
        if self.config.network_text and (packed := pack_text(self.config.network_text)):
            query["text"] = packed
        for field, value in self.changes.items():
            query[QUERY_KEYS[field]] = value if isinstance(value, str) else write_number(value)
        return query | ({"name": self.name} if self.name else {})

    def _of(self, model: str, dataset: str) -> Plan:
        if (model, dataset) == (self.config.model, self.config.dataset):
            return self
        fixed = fixed_fields(model)
        kept = {field: value for field, value in self.changes.items() if field not in fixed}
        config = replace(_recipe(model, dataset, self.pasted), **kept)
        return Plan(config, None, self.name, self.pasted)


def fixed_fields(model: str) -> frozenset[str]:
    """The settings that a network does not leave open."""
    card = find_model(model)
    if card is PASTED:
        return frozenset({"batch_norm", "dropout"})
    return frozenset() if card.batch_norm_is_optional else frozenset({"batch_norm"})


def _recipe(model: str, dataset: str, text: str) -> TrainingConfig:
    """Of a network; text: of the viewer's own, if it is that."""
    return recipe(model, dataset, **({"network_text": text} if model == PASTED.name else {}))


def value_of(config: TrainingConfig, field: str) -> Any:
    """A setting; of batch normalization what the network then has."""
    return config.spec.batch_norm if field == "batch_norm" else getattr(config, field)


def read_plan(
    query: Mapping[str, str], limits: Limits, *, first: str
) -> tuple[Plan, tuple[str, ...]]:
    """The nearest valid plan to what a URL asks for, and a sentence for each change.

    first: the preset where the URL names none, nor a network or a data set.
    """
    read = QueryReader(query, decimals=None)
    plan = _read_base(read, first)
    card = find_model(plan.config.model)
    fixed = fixed_fields(plan.config.model)
    allowed = ranges(limits)
    values: dict[str, Any] = {}
    for field, key in QUERY_KEYS.items():
        if read.given(key) is None:
            continue
        now = value_of(plan.config, field)
        value: Any
        if field in fixed and card is PASTED:
            value = now
            read.notes.append(f"{key}={shorten(query[key])} is left out (the text decides).")
        elif field == "batch_norm":
            value = read.switch(key, now)
            if value != card.batch_norm and not card.batch_norm_is_optional:
                value = card.batch_norm
                read.notes.append(
                    f"{key}={shorten(query[key])} is now {int(value)} ({card.title} is defined "
                    f"{'with' if value else 'without'} batch normalization)."
                )
        elif field in CHOICES:
            value = read.choice(key, CHOICES[field], now)
        elif (bound := allowed[field]).is_whole:
            value = read.whole(key, int(bound.low), int(bound.high), now)
        else:
            value = read.number(key, bound.high, now, low=bound.low)
        if value != now:
            values[field] = value
    name = tidy_name(query.get("name", ""))
    config = replace(plan.config, **values)
    return replace(plan, config=config, name=name).within(limits), tuple(read.notes)


def _read_base(read: QueryReader, first: str) -> Plan:
    """The preset, or the recipe of a network and a data set."""
    asks_for_network = read.given("net") is not None or read.given("data") is not None
    plan = Plan.of_preset(first)
    if read.given("preset") is not None:
        plan = Plan.of_preset(read.choice("preset", tuple(PRESETS), first))
    elif asks_for_network:
        plan = Plan(recipe("lenet5", "cifar10"))
    if query_text := read.given("text"):
        plan = _read_text(read, query_text, plan)
    networks = tuple(card.name for card in plan.networks)
    plan = plan.changed("model", read.choice("net", networks, plan.config.spec.name))
    known: tuple[DatasetName, ...] = find_model(plan.config.model).datasets
    if read.given("data") is not None:
        now: DatasetName = next(name for name in DATASETS if name == plan.config.dataset)
        plan = plan.changed("dataset", read.choice("data", known, now))
    return plan


def _read_text(read: QueryReader, packed: str, plan: Plan) -> Plan:
    """The plan with the text that an address holds, for `net=pasted`."""
    try:
        return replace(plan, pasted=spec_for(PASTED.name, "mnist", text=unpack_text(packed)).text)
    except SettingError as error:
        read.notes.append(f"text: {error}.")
        return plan


def hold_out_at_most(config: TrainingConfig, images: int) -> TrainingConfig:
    """With no more than a tenth of the training images held out, where there are few."""
    return replace(config, validation_count=min(config.validation_count, images // 10))
