"""What the table of a network shows: which network, which picture, which layer; and its URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cnnviz.architecture.networks import OWN, SIDES, find_network
from cnnviz.errors import SettingError
from cnnviz.query import QueryReader, shorten
from cnnviz.settings import shown, whole_number

DEFAULT: Final = "lenet5"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """One layer of one network."""

    network: str = DEFAULT
    """A name of cnnviz's own, or of torchvision's behind `tv:`."""
    side: int = 0
    """Of the picture, where others than the network's own may be tried; 0 is its own."""
    layer: str = ""
    """Empty is the first convolution."""

    def __post_init__(self) -> None:
        for name in ("network", "layer"):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) > 200:
                raise SettingError(f"{name} is {shown(value)}: use a text of up to 200 letters")
        side = whole_number("side", self.side, least=0)
        if side and not SIDES[0] <= side <= SIDES[1]:
            raise SettingError(f"side is {side}: use {SIDES[0]} to {SIDES[1]} pixels")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W). SettingError if there is no such network."""
        found = find_network(self.network)
        if self.side and found.takes_any_size:
            return found.made_for[0], self.side, self.side
        return found.made_for

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `read_table_settings` reads it."""
        usual = TableSettings()
        return {
            name: str(getattr(self, name))
            for name in self.__dataclass_fields__
            if getattr(self, name) != getattr(usual, name)
        }


def read_table_settings(query: Mapping[str, str]) -> tuple[TableSettings, tuple[str, ...]]:
    """What a URL asks for, and a sentence for each change.

    Whether torchvision has a network of that name is not looked up yet: that needs torch.
    """
    read = QueryReader(query)
    network = shorten((read.given("network") or DEFAULT).strip())
    if network not in OWN and not network.startswith("tv:"):
        read.notes.append(
            f"network={network} is now {DEFAULT} (there are {', '.join(OWN)}, and tv: with a name "
            "of torchvision's)."
        )
        network = DEFAULT
    return TableSettings(
        network=network,
        side=read.whole("side", SIDES[0], SIDES[1], 0) if read.given("side") else 0,
        layer=(read.given("layer") or "").strip()[:200],
    ), tuple(read.notes)
