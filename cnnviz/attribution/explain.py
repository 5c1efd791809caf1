"""The one way in: a subject and a request to a map; and what the network says of the picture."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import nn

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.gradients import (
    gradient_shap,
    input_x_gradient,
    integrated_gradients,
    saliency,
    smoothgrad,
)
from cnnviz.attribution.job import Job, Made, Score, Watch
from cnnviz.attribution.private_copy import private_copy
from cnnviz.attribution.regions import grad_cam, guided_grad_cam, occlusion
from cnnviz.attribution.requests import AttributionRequest
from cnnviz.attribution.results import Attribution, Completeness, Doubles
from cnnviz.attribution.rules import deeplift, guided_backprop, lrp
from cnnviz.attribution.subject import Subject
from cnnviz.attribution.support import examine
from cnnviz.attribution.turns import TURNS, Stop, Turn, never
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import NonFiniteError, SettingError

COMPUTE: Final[dict[MethodName, Callable[[Job], Made]]] = {
    "saliency": saliency,
    "input_x_gradient": input_x_gradient,
    "integrated_gradients": integrated_gradients,
    "smoothgrad": smoothgrad,
    "deeplift": deeplift,
    "gradient_shap": gradient_shap,
    "guided_backprop": guided_backprop,
    "guided_grad_cam": guided_grad_cam,
    "grad_cam": grad_cam,
    "occlusion": occlusion,
    "lrp": lrp,
}


def explain(
    subject: Subject,
    request: AttributionRequest,
    *,
    progress: Progress = no_progress,
    stop: Stop = never,
) -> Attribution:
    """The map that was asked for. The subject's network is not changed, not even for a while.

    progress: told before each part of a long method; an exception from it ends the work as
    `stop` does. Waits for a turn among all callers of this process.

    SettingError for a method that the network does not allow, a class or a layer that it does not
    have; ShapeError for a picture that it does not take; NonFiniteError if its numbers are broken;
    StoppedError if told to stop.
    """
    support = examine(subject.network, subject.input_shape)
    if reason := support.why_not(request.method):
        raise SettingError(reason)
    request.target.check(support.classes)
    with TURNS.take(stop) as turn:
        start, waited_s = time.perf_counter(), turn.waited_s
        network = private_copy(subject.network)
        watch = Watch(turn, request.card.title, progress)
        job = Job(
            subject=subject,
            request=request,
            support=support,
            network=network,
            score=Score(network, request.target, watch),
            watch=watch,
            x=subject.tensor(),
        )
        with torch.enable_grad():
            made = COMPUTE[request.method](job)
        score = float(job.scores(job.x))
        elapsed_s = time.perf_counter() - start - (turn.waited_s - waited_s)
    return _result(request, made, score, elapsed_s)


def class_probabilities(subject: Subject, *, stop: Stop = never) -> Doubles:
    """What the network makes of the picture: a probability for each class, (classes,)."""
    with TURNS.take(stop) as turn:
        network = private_copy(subject.network)
        shares: Doubles = probabilities(network, subject.tensor(), 1, turn)[0]
        return shares


def probabilities(network: nn.Module, images: torch.Tensor, chunk: int, turn: Turn) -> Doubles:
    """Softmax of the logits of images (N, C, H, W), (N, classes), a chunk of images at a time."""
    parts = []
    with torch.no_grad():
        for part in torch.split(images, chunk):
            turn.pass_on()
            parts.append(network(part).double().softmax(1).cpu().numpy())
    return np.concatenate(parts)


def _result(request: AttributionRequest, made: Made, score: float, elapsed_s: float) -> Attribution:
    channels = None if made.channels is None else made.channels.detach().cpu().float().numpy()
    if made.map is not None:
        pixels = made.map.detach().cpu().float().numpy()
    else:
        assert channels is not None
        pixels = channels.sum(0)
    if not (np.isfinite(pixels).all() and math.isfinite(score)):
        raise NonFiniteError(
            f"{request.card.title} gave numbers that are not finite: the network is broken, or "
            "its numbers are too large"
        )
    completeness = None
    if made.expected_total is not None:
        completeness = Completeness(float(pixels.sum(dtype=np.float64)), made.expected_total)
    return Attribution(
        request=request,
        map=np.array(pixels, dtype=np.float32),
        channels=None if channels is None else np.array(channels, dtype=np.float32),
        score=score,
        completeness=completeness,
        layer=made.layer,
        elapsed_s=elapsed_s,
    )
