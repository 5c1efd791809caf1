"""Which points of a training a browser's tab has painted, and when."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page

from benchmarks.slider_moves import PAGE_LIMIT_MS
from benchmarks.watch_arithmetic import Arrival, rising

# The live board names its newest step in an attribute. "Painted" is what `paint_probe.js` calls so.
_LISTEN: Final = """(limit) => new Promise((resolve, reject) => {
  const find = (root) => {
    const found = root.querySelector("[data-newest]");
    if (found) return found;
    for (const node of root.querySelectorAll("*")) {
      const inside = node.shadowRoot && find(node.shadowRoot);
      if (inside) return inside;
    }
    return null;
  };
  const paints = (window.pointPaints = []);
  const until = performance.now() + limit;
  const look = () => {
    const board = find(document);
    if (!board && performance.now() > until) return reject(new Error("there are no curves"));
    if (!board) return setTimeout(look, 50);
    const note = () => {
      const step = Number(board.dataset.newest);
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () =>
          paints.push([(performance.timeOrigin + performance.now()) / 1000, step]);
        channel.port2.postMessage(0);
      });
    };
    new MutationObserver(note).observe(board, { attributeFilter: ["data-newest"] });
    note();
    resolve();
  };
  look();
})"""


def listen_to_paints(page: Page) -> None:
    """Waits for the watch view's curves, and from then on notes each new point's paint.

    Raises the browser's error if there are none after PAGE_LIMIT_MS.
    """
    page.evaluate(_LISTEN, PAGE_LIMIT_MS)


def painted_points(page: Page) -> tuple[Arrival, ...]:
    """What was painted so far."""
    paints: list[tuple[float, int]] = page.evaluate("pointPaints")
    return rising(Arrival(at_s, int(step)) for at_s, step in paints)
