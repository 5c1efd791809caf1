// Runs in the page that is measured, before its own scripts. Times are performance.now() in milliseconds.
//
// How long after a move of the pen the networks' new answer is painted ("painted" as in paint_probe.js).
(() => {
  const probe = { moves: [] };
  window.inkProbe = probe;
  let moved = 0; // of the last move that has no answer yet
  addEventListener("pointermove", (event) => event.buttons && (moved ||= event.timeStamp), true);

  const note = () => {
    if (!moved) return;
    const begin = moved;
    moved = 0;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => probe.moves.push(performance.now() - begin);
      channel.port2.postMessage(0);
    });
  };

  // Watches the bars with the probabilities, which lie in the component's shadow root.
  probe.watch = (bars) => new MutationObserver(note).observe(bars, { attributes: true, characterData: true, childList: true, subtree: true });
})();
