// Runs in the page that is measured, after paint_probe.js. Times are performance.now() in milliseconds.
//
// Tells when what was asked for was painted, and which of that time passed between the message that left for Python
// and the last one that came back before the paint.
(() => {
  const probe = { press: 0, sends: [], arrivals: [], painted: {} };
  window.answerProbe = probe;

  for (const type of ["pointerdown", "keydown"]) {
    addEventListener(type, (event) => (probe.press = event.timeStamp), true);
  }

  const heard = new WeakSet();
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (!heard.has(this)) {
      heard.add(this);
      this.addEventListener("message", (event) => probe.arrivals.push(event.timeStamp));
    }
    probe.sends.push(performance.now());
    return send.call(this, data);
  };

  // All elements that match, in open shadow roots too.
  const findAll = (selector, root = document) => {
    const found = [...root.querySelectorAll(selector)];
    for (const node of root.querySelectorAll("*")) if (node.shadowRoot) found.push(...findAll(selector, node.shadowRoot));
    return found;
  };

  const checks = {
    count: ({ selector, least }) => findAll(selector).length >= least,
    // Another name, and pictures below it.
    gallery: ({ before }) => {
      const box = findAll(".gallery .box")[0];
      return Boolean(box && box.getAttribute("aria-label") !== before && box.querySelector(".tile.right, .tile.wrong"));
    },
    // So many pictures that have been decoded.
    images: ({ selector, least }) => findAll(selector).filter((image) => image.complete && image.naturalWidth).length >= least,
  };

  // From now on looks once a frame for each of these: name -> { check, ... }. `answered` resolves with all of them.
  probe.expect = (wanted) => {
    const times = {};
    Object.assign(probe, { press: 0, sends: [], arrivals: [] });
    probe.answer = new Promise((resolve) => {
      const waiting = new Set(Object.keys(wanted));
      const look = () => {
        for (const name of [...waiting]) {
          if (!checks[wanted[name].check](wanted[name])) continue;
          waiting.delete(name);
          requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => {
              times[name] = performance.now();
              if (Object.keys(times).length === Object.keys(wanted).length) {
                const { press, sends, arrivals } = probe;
                resolve({ press, sends, arrivals, painted: times });
              }
            };
            channel.port2.postMessage(0);
          });
        }
        if (waiting.size) requestAnimationFrame(look);
      };
      look();
    });
  };

  probe.answered = (limit) => Promise.race([probe.answer, new Promise((resolve) => setTimeout(resolve, limit, null))]);
  probe.galleryName = () => findAll(".gallery .box")[0]?.getAttribute("aria-label") ?? null;
})();
