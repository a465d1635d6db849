// A page that waits for something to happen elsewhere. The server says only that the state changed; what to show is taken
// from the page's own address, so that what is seen with script is exactly what is seen without.
import { announce } from "./announce.js";
import { enhance as enhancePage } from "./page.js";

const SHORTEST_MS = 1000;
const LONGEST_MS = 15000;

export function enhance(root) {
  const place = root.querySelector("[data-live]");
  if (place && place.dataset.state === "waiting") new Wait(place);
}

class Wait {
  constructor(place) {
    this.place = place;
    // A page that answered a form cannot be taken again from its own address.
    this.address = place.dataset.page ?? location.href;
    this.pause_ms = SHORTEST_MS;
    this.listen();
    document.addEventListener("visibilitychange", this.onReturn);
    addEventListener("online", this.onReturn);
    addEventListener("pagehide", () => this.source.close());
    addEventListener("pageshow", (event) => event.persisted && this.show());
  }

  listen() {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = new EventSource(this.place.dataset.eventsUrl);
    this.source.addEventListener("open", () => {
      this.pause_ms = SHORTEST_MS;
      this.lost(false);
    });
    this.source.addEventListener("state", (event) => {
      if (stateOf(event.data) !== this.place.dataset.state) this.show();
    });
    this.source.addEventListener("error", () => {
      this.lost(true);
      this.later(() => this.listen());
    });
  }

  // A phone that comes back from the wallet has usually lost its connection meanwhile.
  onReturn = () => {
    if (document.visibilityState === "visible" && this.place.isConnected) this.listen();
  };

  lost(is) {
    const line = this.place.querySelector("[data-connection-lost]");
    if (line) line.hidden = !is;
  }

  later(act) {
    this.source.close();
    clearTimeout(this.retry);
    this.retry = setTimeout(act, this.pause_ms);
    this.pause_ms = Math.min(LONGEST_MS, this.pause_ms * 2);
  }

  async show() {
    try {
      const answer = await fetch(this.address, { headers: { Accept: "text/html" }, cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.redirected) return location.replace(answer.url);
      this.swap(page);
    } catch {
      this.lost(true);
      this.later(() => this.show());
    }
  }

  swap(page) {
    const [now, next] = [document.getElementById("main"), page.getElementById("main")];
    this.stop();
    now.replaceChildren(...next.childNodes);
    document.title = page.title;
    if (this.place.dataset.page) history.replaceState(null, "", this.address);
    const news = now.querySelector("[data-focus]") ?? now.querySelector("h1") ?? now;
    if (!news.hasAttribute("tabindex")) news.tabIndex = -1;
    news.focus();
    announce(news.textContent.trim().replace(/\s+/g, " "));
    enhancePage(document);
  }

  stop() {
    this.source.close();
    clearTimeout(this.retry);
    document.removeEventListener("visibilitychange", this.onReturn);
    removeEventListener("online", this.onReturn);
  }
}

function stateOf(data) {
  try {
    const value = JSON.parse(data);
    return typeof value === "string" ? value : value.state;
  } catch {
    return data;
  }
}
