// Brings each second's numbers to the live board, wherever on the page that is.

export default function ({ data }) {
  const feed = (globalThis.cnnvizLiveFeed ??= new EventTarget());
  feed.latest = data;
  feed.dispatchEvent(new Event("news"));
}
