"""Groups and rates of the optimizer, and lookahead against its formula written out.

That whole trainings take the same steps as torch.optim is in test_replay.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz.training.config import OptimizerName, TrainingConfig
from cnnviz.training.optimizer import (
    Lookahead,
    check_optimizer,
    make_optimizer,
    set_rates,
)

CONFIG = TrainingConfig(
    model="plain_cnn",
    dataset="mnist",
    learning_rate=0.1,
    momentum=0.8,
    weight_decay=0.02,
    bias_learning_rate_factor=4.0,
)


class Tiny(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
        for parameter in self.parameters():
            nn.init.normal_(parameter)


def named_groups(network: nn.Module, optimizer: torch.optim.Optimizer) -> list[list[str]]:
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return [[names[id(p)] for p in group["params"]] for group in optimizer.param_groups]


def test_biases_of_batch_normalizations_have_a_group_of_their_own() -> None:
    network = Tiny()
    network.get_parameter("1.weight").requires_grad = False
    groups = named_groups(network, make_optimizer(CONFIG, network))
    assert groups == [["0.weight", "0.bias", "3.weight", "3.bias"], ["1.bias"]]


def test_a_network_without_batch_normalization_has_one_group() -> None:
    network = nn.Linear(2, 2)
    assert named_groups(network, make_optimizer(CONFIG, network)) == [["weight", "bias"]]


def test_kinds() -> None:
    network = Tiny()
    sgd = make_optimizer(CONFIG, network)
    assert isinstance(sgd, torch.optim.SGD)
    assert [(g["momentum"], g["nesterov"]) for g in sgd.param_groups] == [(0.8, True)] * 2
    still = make_optimizer(replace(CONFIG, momentum=0), network)
    assert [g["nesterov"] for g in still.param_groups] == [False, False]
    adamw = make_optimizer(replace(CONFIG, optimizer="adamw"), network)
    assert isinstance(adamw, torch.optim.AdamW)
    assert [g["betas"] for g in adamw.param_groups] == [(0.8, 0.999)] * 2


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_weight_decay_shrinks_all_alike(kind: OptimizerName) -> None:
    """Without a gradient a step only shrinks: by learning rate times decay, in either group."""
    network = Tiny()
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = make_optimizer(replace(CONFIG, optimizer=kind, momentum=0), network)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    set_rates(optimizer, 0.05, 0.3)
    optimizer.step()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.detach(), before[name] * (1 - 0.05 * 0.3))


def test_several_steps_of_nesterov_by_hand() -> None:
    """As PyTorch writes it: v = m v + g, w = w - lr (g + m v), with the decay in g."""
    network = Tiny()
    optimizer = make_optimizer(CONFIG, network)
    weights = {n: p.detach().double().numpy().copy() for n, p in network.named_parameters()}
    velocities = {name: np.zeros_like(weight) for name, weight in weights.items()}
    generator = torch.Generator().manual_seed(0)
    for rate, decay in ((0.1, 0.02), (0.3, 0.02), (0.05, 0.2)):
        set_rates(optimizer, rate, decay)
        for name, parameter in network.named_parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
            factor = 4.0 if name == "1.bias" else 1.0
            gradient = parameter.grad.double().numpy() + decay / factor * weights[name]
            velocities[name] = 0.8 * velocities[name] + gradient
            weights[name] -= rate * factor * (gradient + 0.8 * velocities[name])
        optimizer.step()
        for name, parameter in network.named_parameters():
            np.testing.assert_allclose(parameter.detach(), weights[name], rtol=1e-4, atol=1e-5)


def test_several_steps_of_adamw_by_hand() -> None:
    network = Tiny()
    optimizer = make_optimizer(replace(CONFIG, optimizer="adamw"), network)
    weights = {n: p.detach().double().numpy().copy() for n, p in network.named_parameters()}
    means = {name: np.zeros_like(weight) for name, weight in weights.items()}
    squares = {name: np.zeros_like(weight) for name, weight in weights.items()}
    generator = torch.Generator().manual_seed(0)
    for step, (rate, decay) in enumerate(((0.1, 0.02), (0.3, 0.02), (0.05, 0.2)), start=1):
        set_rates(optimizer, rate, decay)
        for name, parameter in network.named_parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
            gradient = parameter.grad.double().numpy()
            factor = 4.0 if name == "1.bias" else 1.0
            weights[name] *= 1 - rate * decay
            means[name] = 0.8 * means[name] + 0.2 * gradient
            squares[name] = 0.999 * squares[name] + 0.001 * gradient**2
            mean, square = means[name] / (1 - 0.8**step), squares[name] / (1 - 0.999**step)
            weights[name] -= rate * factor * mean / (np.sqrt(square) + 1e-8)
        optimizer.step()
        for name, parameter in network.named_parameters():
            np.testing.assert_allclose(parameter.detach(), weights[name], rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------------------------------- lookahead


def test_lookahead_averages_weights_and_running_statistics() -> None:
    network = Tiny()
    lookahead = Lookahead(network)
    expected = {name: t.double().numpy().copy() for name, t in network.state_dict().items()}
    counts = "1.num_batches_tracked"
    for kept in (0.0, 0.3, 0.9, 1.0):
        for name, tensor in network.state_dict().items():
            tensor += 1 if name == counts else torch.randn(tensor.shape)
            if name != counts:
                expected[name] = kept * expected[name] + (1 - kept) * tensor.double().numpy()
        lookahead.update(network, kept)
        for name, tensor in network.state_dict().items():
            if name != counts:
                np.testing.assert_allclose(tensor, expected[name], rtol=1e-5, atol=1e-5)
    assert int(network.state_dict()[counts]) == 4
    with torch.no_grad():
        network.get_parameter("3.weight").zero_()
    lookahead.settle(network)
    np.testing.assert_allclose(network.state_dict()["3.weight"], expected["3.weight"], rtol=1e-4)


def test_the_average_is_not_the_network() -> None:
    network = Tiny()
    lookahead = Lookahead(network)
    before = lookahead.average["0.weight"].clone()
    with torch.no_grad():
        network.get_parameter("0.weight").zero_()
    assert torch.equal(lookahead.average["0.weight"], before)


def test_decay_rises_with_the_cube() -> None:
    lookahead = Lookahead(Tiny())
    assert lookahead.decay(0, 10) == 0
    assert lookahead.decay(5, 10) == pytest.approx(0.95**5 / 8)
    assert lookahead.decay(10, 10) == pytest.approx(0.95**5)


def test_a_state_that_lacks_something_or_has_another_shape() -> None:
    network = Tiny()
    optimizer = make_optimizer(CONFIG, network)
    check_optimizer(optimizer, begun=False)
    with pytest.raises(ValueError, match="the optimizer's momentum_buffer is missing"):
        check_optimizer(optimizer, begun=True)
    for parameter in network.parameters():
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    check_optimizer(optimizer, begun=True)
    optimizer.state[network.get_parameter("3.bias")]["momentum_buffer"] = torch.zeros(4)
    with pytest.raises(ValueError, match=r"the optimizer's momentum_buffer is \(4,\), not \(3,\)"):
        check_optimizer(optimizer, begun=True)
    lookahead = Lookahead(network)
    with pytest.raises(ValueError, match=r"the average of 3.bias is \(1,\), not \(3,\)"):
        lookahead.load(dict(lookahead.average) | {"3.bias": torch.zeros(1)})
