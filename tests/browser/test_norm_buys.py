"""What batch normalization buys, as a viewer meets it: from a look at the records to a race."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from cnnviz.data.datasets import PROJECT
from cnnviz.norms.bought import noise_counts, percent
from cnnviz.norms.experiment_records import experiment_file, load_experiment


def test_from_the_records_to_a_race(open_page: Callable[[str], Page]) -> None:
    page = open_page("batch_norm?view=buys")
    curves = page.locator(".js-plotly-plot")
    expect(curves).to_have_count(2)
    expect(page.get_by_text("of the held-out images are right")).to_be_visible()

    page.get_by_role("radio", name="With noise").click()
    page.wait_for_url(re.compile("look=noise"))
    found = load_experiment(experiment_file(PROJECT, "noise"))
    assert found is not None
    counts = noise_counts(found)
    assert counts is not None
    row = page.get_by_role("row", name=re.compile("^with noise"))
    expect(row).to_contain_text(percent(counts["noisy batch norm"].held_out))
    page.set_viewport_size({"width": 390, "height": 844})  # the table is the widest thing here
    main = page.locator('[data-testid="stMain"]')
    expect(curves).to_have_count(2)
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    page.set_viewport_size({"width": 1440, "height": 900})

    page.get_by_role("radio", name="Learning rates").click()
    page.get_by_role("radio", name="0.05", exact=True).click()
    page.wait_for_url(re.compile("rate=0.05"))
    page.reload()
    expect(page.get_by_role("radio", name="0.05", exact=True)).to_be_checked()

    page.get_by_role("link", name="Without it").click()
    page.wait_for_url(re.compile(r"training\?view=new&preset=no-norm"))
    expect(page.get_by_role("radio", name="Batch norm off")).to_be_checked()
    expect(page.get_by_text("Changed: epochs 5 instead of 20", exact=False)).to_be_visible()
