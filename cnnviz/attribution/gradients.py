"""Methods from plain gradients, each a function from a Job to what it makes of it."""

from __future__ import annotations

import torch
from captum.attr import InputXGradient, IntegratedGradients, NoiseTunnel, Saliency

from cnnviz.attribution.baselines import baseline_for, references_for
from cnnviz.attribution.job import Job, Made


def saliency(job: Job) -> Made:
    """The gradient; with its magnitude as in the paper, if asked for."""
    gradient = Saliency(job.score).attribute(job.input(), abs=False)[0]  # (C, H, W)
    if job.request.switch("magnitude"):
        gradient = gradient.abs()
        return Made(channels=gradient, map=gradient.amax(0))
    return Made(channels=gradient)


def input_x_gradient(job: Job) -> Made:
    """The gradient times the normalized picture."""
    return Made(channels=InputXGradient(job.score).attribute(job.input()).detach()[0])


def integrated_gradients(job: Job) -> Made:
    """The mean gradient on the way from the baseline, times the way."""
    steps = job.request.whole("steps")
    baseline = baseline_for(job.subject, job.request.word("baseline"))
    job.watch.expect(steps + 2)
    channels = IntegratedGradients(job.score).attribute(
        job.x, baseline, n_steps=steps, internal_batch_size=job.support.chunk
    )[0]
    whole, nothing = job.scores(torch.cat([job.x, baseline])).tolist()
    return Made(channels=channels, expected_total=whole - nothing)


def smoothgrad(job: Job) -> Made:
    """The mean gradient of noisy copies."""
    samples = job.request.whole("samples")
    job.watch.expect(samples)
    tunnel = _SeededNoiseTunnel(Saliency(job.score), job.generator())
    channels = tunnel.attribute(
        job.x,
        nt_samples=samples,
        nt_samples_batch_size=job.support.chunk,
        stdevs=_standard_deviation(job),
        abs=False,
    )[0]
    return Made(channels=channels)


def gradient_shap(job: Job) -> Made:
    """The mean over random baselines, each at a random point of its way.

    As Captum's GradientShap, but with random numbers of its own: Captum draws from numpy's and
    torch's global ones, which thirty viewers share.
    """
    samples, generator = job.request.whole("samples"), job.generator()
    references = references_for(job.subject, generator)
    chosen = torch.randint(len(references), (samples,), generator=generator)
    alphas = torch.rand(samples, generator=generator).to(job.x)
    deviation = _standard_deviation(job)
    job.watch.expect(samples + 1 + len(references))
    total = torch.zeros_like(job.x[0])  # (C, H, W)
    for indices in torch.split(torch.arange(samples), job.support.chunk):
        baselines = references[chosen[indices].to(references.device)]  # (n, C, H, W)
        copies = job.x + _noise(len(indices), job.x, deviation, generator)
        alpha = alphas[indices].view(-1, 1, 1, 1)
        points = alpha * copies + (1 - alpha) * baselines
        gradients = Saliency(job.score).attribute(points.requires_grad_(), abs=False)
        total += ((copies - baselines) * gradients).sum(0)
    whole, *others = job.scores(torch.cat([job.x, references])).tolist()
    expected = whole - sum(others[index] for index in chosen.tolist()) / samples
    return Made(channels=total / samples, expected_total=expected)


class _SeededNoiseTunnel(NoiseTunnel):  # type: ignore[misc]
    """Captum's, with noise from a generator of its own instead of torch's global one.

    Each copy's noise is drawn by itself, so that it does not depend on how many are run at a time.
    """

    def __init__(self, method: Saliency, generator: torch.Generator) -> None:
        super().__init__(method)
        self._generator = generator

    def _add_noise_to_inputs(
        self, nt_samples_partition: int, inputs: tuple[torch.Tensor, ...], stdevs: float
    ) -> tuple[torch.Tensor, ...]:
        (x,) = inputs
        copies = x + _noise(nt_samples_partition, x, stdevs, self._generator)
        return (copies.requires_grad_(),)


def _noise(
    count: int, x: torch.Tensor, deviation: float, generator: torch.Generator
) -> torch.Tensor:
    """(count, C, H, W), for x (1, C, H, W)."""
    draws = [torch.randn(x.shape[1:], generator=generator) for _ in range(count)]
    return deviation * torch.stack(draws).to(x)


def _standard_deviation(job: Job) -> float:
    """The noise as a share of the range of values that the picture has (Smilkov et al. 2017)."""
    return job.request.number("noise") * float(job.x.max() - job.x.min())
