// Runs in the page that is measured, before its own scripts. Times are performance.now() in milliseconds.
//
// "Painted" is the moment at which the main thread has handed the frame to the compositor: a message that is posted
// in requestAnimationFrame is delivered after style, layout, paint and commit of that frame.
(() => {
  const probe = {
    moves: [], // one entry for each `input` event of a slider
    slow: [], // what the Event Timing API says of key events that took 16 ms or more to be shown
    sends: [], // when something left for Python
    hand: 0, // timeStamp of the last event of mouse or keyboard: when the browser was told of it
    answer: null, // the answer that is waited for: { painted, text }
  };
  window.paintProbe = probe;

  const afterPaint = (then) =>
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => then(performance.now());
      channel.port2.postMessage(0);
    });

  for (const type of ["pointermove", "pointerdown", "keydown"]) {
    addEventListener(type, (event) => (probe.hand = event.timeStamp), true);
  }

  // The first listener of all and the last: what lies between them is the time of the page's own handlers.
  addEventListener(
    "input",
    (event) => {
      const slider = event.composedPath()[0];
      if (slider.type !== "range") return;
      probe.current = { value: Number(slider.value), hand: probe.hand, input: event.timeStamp, begin: performance.now() };
    },
    true,
  );
  addEventListener("input", () => {
    const move = probe.current;
    if (!move) return;
    probe.current = null;
    move.end = performance.now();
    afterPaint((now) => {
      move.painted = now;
      probe.moves.push(move);
    });
  });

  // The browser's own measure, up to the frame's presentation. It knows no `input` of a slider and no pointermove.
  new PerformanceObserver((list) => {
    for (const { name, startTime, duration } of list.getEntries()) {
      if (name === "keydown") probe.slow.push({ startTime, duration });
    }
  }).observe({ type: "event", durationThreshold: 16 });

  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    probe.sends.push(performance.now());
    return send.call(this, data);
  };

  // The first element that matches, looking into open shadow roots too.
  const find = (selector, root = document) => {
    const found = root.querySelector(selector);
    if (found) return found;
    for (const node of root.querySelectorAll("*")) {
      const inside = node.shadowRoot && find(selector, node.shadowRoot);
      if (inside) return inside;
    }
    return null;
  };

  // Hands over what was collected.
  probe.take = () => {
    const { moves, slow, sends } = probe;
    Object.assign(probe, { moves: [], slow: [], sends: [] });
    return { moves, slow, sends };
  };

  // From now on waits for the first change inside `root` after which `read` gives a text, and for its paint.
  const expectChange = (root, read) => {
    probe.answer = new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        const text = read();
        if (text === null) return;
        observer.disconnect();
        afterPaint((painted) => resolve({ painted, text }));
      });
      observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
    });
  };

  // A chart that shows these numbers (sorted as text), in labels that are not there yet. Streamlit mounts a new chart for
  // new data while the old one is still there, and plotly draws the labels anew each time.
  probe.expectChart = (selector, numbers) => {
    const before = new Set(document.querySelectorAll(`${selector} .heatmap-label text`));
    expectChange(document.querySelector("[data-testid=stMain]"), () => {
      for (const chart of document.querySelectorAll(`${selector} .js-plotly-plot`)) {
        const labels = [...chart.querySelectorAll(".heatmap-label text")];
        const shown = labels.map((label) => label.textContent).sort().join(" ");
        if (shown === numbers && !before.has(labels[0])) return shown;
      }
      return null;
    });
  };

  probe.expectVerdict = () => {
    const badge = find(".badge");
    if (!badge) throw new Error("no badge on the page");
    expectChange(badge, () => (badge.classList.contains("pending") ? null : badge.textContent));
  };

  // Resolves when the page has not changed for `rest` milliseconds.
  probe.still = (rest) =>
    new Promise((resolve) => {
      let timer = 0;
      const observer = new MutationObserver(() => wait());
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => resolve(observer.disconnect()), rest);
      };
      observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
      wait();
    });

  probe.answered = (limit) => Promise.race([probe.answer, new Promise((resolve) => setTimeout(resolve, limit, null))]);

  // Looks once a frame until `selector` is there `count` times; resolves with the wall-clock time of its paint.
  probe.firstPaint = (selector, count, pattern) =>
    new Promise((resolve) => {
      const isThere = () => {
        const found = find(selector);
        if (!found || (pattern && !found.textContent.includes(pattern))) return false;
        return found.getRootNode().querySelectorAll(selector).length >= count;
      };
      const look = () => {
        if (isThere()) afterPaint((now) => resolve(performance.timeOrigin + now));
        else requestAnimationFrame(look);
      };
      look();
    });
})();
