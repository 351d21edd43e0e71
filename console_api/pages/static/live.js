// One stream per browser, not per tab: HTTP/1.1 allows six connections to a server, so that the
// seventh tab would hang. A Web Lock elects the tab that holds the stream, and a channel tells
// the others. Without Web Locks (plain HTTP in a local network) only a visible tab holds one.
const RETRY_MS = 3000;

export function connect(url, position, onChange, onState) {
  const channel = new BroadcastChannel("console-live");
  let source = null;
  let stop = () => {};

  const take = (news) => {
    if (news.position <= position && !news.reset) return;
    position = news.position;
    onChange(news.reset ? null : news.topics);
  };
  const tell = (state, text) => {
    onState(state, text);
    channel.postMessage({ state, text });
  };
  channel.onmessage = ({ data }) => {
    if (data.ask) {
      if (source?.readyState === EventSource.OPEN) tell("live", "Live");
    } else if (data.state) onState(data.state, data.text);
    else take(data);
  };

  // Resolves when the stream is over; the browser itself reconnects and says where it was.
  const open = () => new Promise((resolve) => {
    stop = () => {
      source?.close();
      source = null;
      resolve();
    };
    source = new EventSource(`${url}?since=${position}`);
    source.onopen = () => tell("live", "Live");
    source.onerror = () => {
      tell("stale", "Reconnecting");
      if (source?.readyState === EventSource.CLOSED) {
        onChange(null); // signed out, or the server is gone: the page itself finds out
        setTimeout(stop, RETRY_MS);
      }
    };
    for (const kind of ["change", "reset"]) {
      source.addEventListener(kind, (event) => {
        const topics = event.data.split(" ").filter(Boolean);
        const news = { position: Number(event.lastEventId), topics, reset: kind === "reset" };
        take(news);
        channel.postMessage(news);
      });
    }
  });

  // A page that the browser puts aside, to come back to, must not keep the stream from others.
  let here = true;
  const start = navigator.locks
    ? () => here && navigator.locks.request("console-live", () => here && open()).then(start)
    : () => here && !document.hidden && !source && open().then(start);
  start();
  channel.postMessage({ ask: true });
  if (!navigator.locks) {
    document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  }
  addEventListener("pagehide", () => {
    here = false;
    stop();
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    here = true;
    onChange(null);
    start();
  });
}
