"""Is a network, after a computation, what it was before it?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn


def marks_of(network: nn.Module) -> dict[str, Any]:
    """All but the numbers that a computation might leave behind; writing to a tensor counts up."""
    tensors = network.state_dict(keep_vars=True).values()
    return {
        "changes": [tensor._version for tensor in tensors],
        "places": [tensor.data_ptr() for tensor in tensors],
        "identities": [id(tensor) for tensor in tensors],
        "needs gradient": [tensor.requires_grad for tensor in tensors],
        "gradients": [tensor.grad for tensor in tensors],
        "modes": [module.training for module in network.modules()],
        "attributes": [sorted(vars(module)) for module in network.modules()],
        "hooks": [
            {name: list(value) for name, value in vars(module).items() if name.endswith("hooks")}
            for module in network.modules()
        ],
    }


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Checks that a network is what it was, to the last hook; and global random numbers too."""
    marks = marks_of(network)
    numbers = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random, numpy_random = torch.get_rng_state(), np.random.get_state(legacy=False)
    try:
        yield
    finally:
        assert marks_of(network) == marks
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, numbers[name]), name
        assert torch.equal(random, torch.get_rng_state())
        after = np.random.get_state(legacy=False)
        assert repr(after) == repr(numpy_random)
        assert torch.is_grad_enabled()
