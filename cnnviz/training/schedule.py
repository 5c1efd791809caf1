"""The learning rate at each step, as a share of the highest."""

from __future__ import annotations

import math

from cnnviz.training.config import TrainingConfig


def learning_rate_at(config: TrainingConfig, step: int, total_steps: int) -> float:
    """The learning rate of the step that comes after `step` steps were done, 0 <= step < total.

    All schedules rise in a straight line over the warm-up's steps. From there: *constant* stays;
    *triangular* falls in a straight line (Smith 2018, "super-convergence"); *cosine* falls along
    half a cosine (Loshchilov & Hutter 2017); *step* divides by ten after half of all steps and
    again after three quarters (He et al. 2016).
    """
    return config.learning_rate * _factor(config, step, total_steps)


def _factor(config: TrainingConfig, step: int, total_steps: int) -> float:
    warm = round(config.warmup * total_steps)
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, total_steps - warm)  # 0 to below 1
    final = config.final_learning_rate
    if config.schedule == "triangular":
        return 1 + (final - 1) * done
    if config.schedule == "cosine":
        return final + (1 - final) * (1 + math.cos(math.pi * done)) / 2
    if config.schedule == "step":
        return 1.0 if step < total_steps / 2 else 0.1 if step < total_steps * 3 / 4 else 0.01
    return 1.0
