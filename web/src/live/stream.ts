// The WebSocket: opens, opens again with back-off and jitter, and hands on what was said.

const FIRST_RETRY_S = 0.5;
const LAST_RETRY_S = 10;
/** Until the first word; from then on whoever listens decides. */
const OPENING_S = 10;

/** What the closing of a connection asks for. */
export const CLOSES = {
  /** What this client may see has changed: connect again at once. */
  audience: 4001,
  /** The session has ended. */
  loggedOut: 4003,
} as const;

export interface StreamEvents {
  onText(data: unknown): void;
  /** `expected`: another connection follows at once. */
  onLost(expected: boolean): void;
  /** The server turned the client away, or closed because what it may see has changed. */
  onRefused(): void;
  /** The session has ended. True: there is another one, connect again. */
  onLoggedOut(): Promise<boolean>;
}

/** Seconds to wait before try `tries` (from 0 on); `random` is 0..1. */
export function retryDelay(tries: number, random: number): number {
  const whole = Math.min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** Math.min(tries, 10));
  return whole * (0.5 + random / 2);
}

/** The address of the live stream of the page at `page`; it tells who came to a long queue and who
 * went, instead of all who wait. */
export function streamUrl(page: string): string {
  const url = new URL("ws", page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = "?patches=1";
  url.hash = "";
  return url.href;
}

export class Stream {
  readonly #url: string;
  readonly #events: StreamEvents;
  #socket: WebSocket | null = null;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, events: StreamEvents) {
    this.#url = url;
    this.#events = events;
  }

  start(): void {
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#hurry();
    });
    this.#open();
  }

  /** Say `message` if the stream is open; otherwise a fresh snapshot makes it needless. */
  send(message: { type: string; seq?: number }): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** The stream proved to be good: the next loss is retried at once. */
  healthy(): void {
    this.#tries = 0;
  }

  /** Give up this connection, which may look open but says nothing, and open another. */
  renew(): void {
    this.#drop();
    this.#retry();
  }

  #open(): void {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.#url);
    let opened = false;
    this.#socket = socket;
    socket.onopen = () => {
      opened = true;
    };
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      clearTimeout(this.#timer);
      this.#events.onText(event.data);
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      this.#drop(code === CLOSES.audience);
      // Browsers do not tell a page why a connection was refused: whoever listens asks.
      if (!opened) this.#events.onRefused();
      if (code === CLOSES.loggedOut) {
        void this.#events.onLoggedOut().then((again) => {
          if (again) this.#open();
        });
        return;
      }
      if (code === CLOSES.audience) {
        this.#events.onRefused();
        this.#open();
        return;
      }
      this.#retry();
    };
    this.#timer = setTimeout(() => this.renew(), OPENING_S * 1000);
  }

  #drop(expected = false): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#events.onLost(expected);
  }

  #retry(): void {
    const delay = retryDelay(this.#tries, Math.random());
    this.#tries += 1;
    this.#timer = setTimeout(() => this.#open(), delay * 1000);
  }

  #hurry(): void {
    if (this.#socket === null) this.#open();
  }
}
