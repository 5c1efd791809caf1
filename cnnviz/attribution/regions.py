"""Methods that speak of regions: Grad-CAM and Guided Grad-CAM, Occlusion."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam, Occlusion

from cnnviz.attribution.baselines import baseline_for
from cnnviz.attribution.job import Job, Made
from cnnviz.attribution.rules import guided_backprop
from cnnviz.errors import SettingError


def grad_cam(job: Job) -> Made:
    """A layer's maps, added up by how much the score depends on each."""
    request = job.request
    name = job.support.layer(request.word("layer"))
    cells = _cells(job, name, positive=request.switch("positive"))
    return Made(map=_enlarged(cells, job, smooth=request.word("enlarge") == "smooth"), layer=name)


def guided_grad_cam(job: Job) -> Made:
    """Guided Backprop, weighted by Grad-CAM's positive part."""
    name = job.support.layer(job.request.word("layer"))
    weights = _enlarged(_cells(job, name, positive=True), job, smooth=True)
    guided = guided_backprop(job).channels
    assert guided is not None
    return Made(channels=guided * weights, layer=name)


def occlusion(job: Job) -> Made:
    """How much the score falls when a square is covered."""
    request = job.request
    window, stride = request.whole("window"), request.whole("stride")
    channels, height, width = job.subject.input_shape
    if window > min(height, width):
        raise SettingError(
            f"window is {window}: the picture has only {height} × {width} pixels; use a smaller one"
        )
    down, across = (-(-(side - window) // stride) + 1 for side in (height, width))
    job.watch.expect(down * across + 1)
    fall = Occlusion(job.score).attribute(
        job.x,
        sliding_window_shapes=(channels, window, window),
        strides=(channels, stride, stride),
        baselines=baseline_for(job.subject, request.word("baseline")),
        perturbations_per_eval=job.support.chunk,
    )
    return Made(map=fall[0, 0])  # a window covers all channels: they are the same


def _cells(job: Job, layer: str, *, positive: bool) -> torch.Tensor:
    """Grad-CAM before it is enlarged, (1, 1, h, w)."""
    module = job.network.get_submodule(layer)
    cam: torch.Tensor = LayerGradCam(job.score, module).attribute(
        job.input(), relu_attributions=positive
    )
    return cam.detach()


def _enlarged(cells: torch.Tensor, job: Job, *, smooth: bool) -> torch.Tensor:
    """(1, 1, h, w) to (H, W)."""
    size = job.subject.input_shape[1:]
    if smooth:
        return F.interpolate(cells, size, mode="bilinear", align_corners=False)[0, 0]
    return F.interpolate(cells, size, mode="nearest")[0, 0]
