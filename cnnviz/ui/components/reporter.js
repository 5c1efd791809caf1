// Tells Python what the hand has done: once it rests, and never while another page is on its way.
//
// A report runs the fragment that the lab is drawn in. Sent after a link to another page was followed, and before that
// page arrives, it is answered by Streamlit 1.67 as a part of the page that was left: for its sake the browser drops
// what it already shows of the new page, which stays blank.

const LEAVING_MS = 5000; // by then the lab is gone, or the link led nowhere

class Reporter {
  // send() tells the state as it is then; `root` is the lab's own element.
  constructor(root, send) {
    this.root = root;
    this.send = send;
    this.path = location.pathname;
    this.silentUntil = 0;
    this.timer = null;
    this.listening = new AbortController();
    // At the window, before Streamlit's own listeners: the link must not be faster.
    const options = { capture: true, signal: this.listening.signal };
    window.addEventListener("click", (event) => leadsAway(event) && this.leave(), options);
    window.addEventListener("popstate", () => location.pathname !== this.path && this.leave(), options);
  }

  // Sends after so many milliseconds, unless this is called again until then.
  soon(delay) {
    clearTimeout(this.timer);
    const wait = Math.max(delay, this.silentUntil - performance.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.root.isConnected) this.send();
    }, wait);
  }

  leave() {
    this.silentUntil = performance.now() + LEAVING_MS;
    if (this.timer) this.soon(LEAVING_MS);
  }

  dispose() {
    clearTimeout(this.timer);
    this.listening.abort();
  }
}

// Whether this click follows a link to another page of the app, in this tab.
function leadsAway(event) {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement && node.href);
  if (!link || (link.target && link.target !== "_self")) return false;
  return link.origin === location.origin && link.pathname !== location.pathname;
}
