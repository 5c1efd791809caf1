"""Train against eval in sentences, with their numbers; and the program that computes them again."""

from __future__ import annotations

from collections.abc import Sequence

from cnnviz.norms.forgotten_eval import ForgottenEval
from cnnviz.norms.network_snippets import load_lines

ORDER_WORDS = {"shuffled": "shuffled", "canonical": "sorted by class"}


def share(value: float) -> str:
    """0.836 as `83.6 %`."""
    return f"{100 * value:.1f} %"


def answer_sentence(class_name: str, answers: Sequence[float], *, is_train: bool) -> str:
    """What became of the answer, over batches with other neighbours each.

    answers: the probability of the class, at least one, oldest first.
    """
    if len(answers) < 2:
        return "Now change the neighbours, and watch."
    least, most = min(answers), max(answers)
    batches = f"In {len(answers)} batches"
    if not is_train:
        return f"{batches} the answer was {share(answers[-1])} each time: no neighbour counts."
    return (
        f"{batches} the same picture was {class_name} with {share(least)} to {share(most)}: each "
        "batch has a mean and a variance of its own."
    )


def alone_sentence(size: int) -> str | None:
    """What a batch of one is normalized by; None for a larger one."""
    if size > 1:
        return None
    return (
        "A batch of one: the picture is normalized by its own mean and variance, over the places "
        "of each map. PyTorch refuses this only where a map has a single value."
    )


def forgotten_sentence(measured: ForgottenEval) -> str:
    """What it costs on the whole test split, from the record."""
    shuffled, sorted_ = measured.of_order("shuffled"), measured.of_order("canonical")
    parts = [
        f"With `model.eval()` **{share(measured.evaluation.share)}** of the "
        f"{measured.evaluation.count:,} test pictures are right."
    ]
    if shuffled:
        few, many = shuffled[0], shuffled[-1]
        parts.append(
            f"Forgotten, in shuffled batches of {many.batch_size}: "
            f"**{share(many.accuracy.share)}**; of {few.batch_size}: "
            f"**{share(few.accuracy.share)}**."
        )
    if sorted_:
        worst = min(sorted_, key=lambda row: row.accuracy.share)
        parts.append(
            "If the pictures come sorted by class, so that a batch's neighbours are all alike, as "
            f"few as **{share(worst.accuracy.share)}** (batches of {worst.batch_size})."
        )
    return " ".join(parts)


def modes_snippet(
    folder: str, model: str, dataset: str, indices: Sequence[int], *, label: int, class_name: str
) -> str:
    """A program, to be run beside app.py; it prints the probability in both modes.

    indices: of the batch, the picture first. label: of the class that is asked for.
    """
    return f"""\
{load_lines(folder, model, dataset, indices)}with torch.no_grad():
    evaluation = network(images).softmax(1)[0, {label}].item()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()  # by this batch's statistics; it also changes the running ones
    train = network(images).softmax(1)[0, {label}].item()
print(f"{class_name}: train {{100 * train:.1f}} %, eval {{100 * evaluation:.1f}} %")
"""
