"""What a pasted network asks of a server, known before one is trained."""

from __future__ import annotations

from typing import Final

from cnnviz.errors import SettingError
from cnnviz.runs.limits import Limits
from cnnviz.training.config import TrainingConfig

_PER_PARAMETER: Final = 4 * 4
"""Bytes: the weight, its gradient, and two numbers of the optimizer or of averaging."""
_PER_OUTPUT: Final = 3 * 4
"""Bytes of a number that a layer puts out: itself, what is kept for its gradient, the gradient."""


def check_pasted(config: TrainingConfig, limits: Limits) -> None:
    """SettingError if the network is a pasted one that cannot be trained, or is too large.

    Does nothing for other networks; only for pasted ones is torch imported.
    """
    if not config.network_text:
        return
    from cnnviz.model_text.pasted import trainable

    spec = config.spec
    traced = trainable(spec.text, spec.input_shape, spec.classes)
    megabytes = round(
        (_PER_PARAMETER * traced.parameters + _PER_OUTPUT * traced.cells * config.batch_size) / 1e6
    )
    if megabytes > limits.network_mb:
        raise SettingError(
            f"the network takes about {megabytes:,} MB with {config.batch_size} pictures in a "
            f"batch: use at most {limits.network_mb:,} on this server, by fewer channels or a "
            "smaller batch_size"
        )
    if traced.macs > limits.network_mmacs * 10**6:
        raise SettingError(
            f"the network takes {traced.macs // 10**6:,} million multiply-accumulates for a "
            f"picture: use at most {limits.network_mmacs:,} on this server, by fewer channels or a "
            "stride"
        )
