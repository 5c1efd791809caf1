"""The map of a difference from the maps of its two classes, where the method is linear.

What two classes cost need not be paid a third time for their difference.
"""

from __future__ import annotations

from dataclasses import replace

from cnnviz.attribution.requests import AttributionRequest, Target
from cnnviz.attribution.results import Attribution, Completeness
from cnnviz.errors import SettingError


def parts_of(request: AttributionRequest) -> tuple[AttributionRequest, AttributionRequest] | None:
    """The requests of the two classes whose maps differ by what is asked for; None if none do.

    None for one class, for a method that is not linear, and with a setting that makes it so: all
    that can be switched on of a method cuts something off or drops a sign.
    """
    target = request.target
    if target.against is None or not request.card.is_linear:
        return None
    if any(value is True for _, value in request.settings):
        return None
    one = replace(request, target=Target(target.label))
    return one, replace(request, target=Target(target.against))


def difference(one: Attribution, other: Attribution) -> Attribution:
    """What `explain` would make of the difference, but for rounding.

    SettingError unless the two are the `parts_of` one request.
    """
    target = Target(one.request.target.label, other.request.target.label)
    request = replace(one.request, target=target)
    if parts_of(request) != (one.request, other.request):
        raise SettingError("these two maps do not make the map of a difference")
    completeness = None
    if one.completeness is not None and other.completeness is not None:
        completeness = Completeness(
            one.completeness.total - other.completeness.total,
            one.completeness.expected - other.completeness.expected,
        )
    channels = None
    if one.channels is not None and other.channels is not None:
        channels = one.channels - other.channels
    return Attribution(
        request=request,
        map=one.map - other.map,
        channels=channels,
        score=one.score - other.score,
        completeness=completeness,
        layer=one.layer,
        elapsed_s=one.elapsed_s + other.elapsed_s,
    )
