// Of several tabs of one page only one sounds and notifies. The tabs know each other by a
// BroadcastChannel, so that the one whose turn it is acts at once; should it be gone without a word, the
// others hear nothing from it and one of them acts instead. Web Locks would do the same, but only on
// pages opened by HTTPS.

/** How a tab stands among the others. */
interface Tab {
  readonly id: string;
  /** Whether the browser lets it sound, and its line to agentd is good. */
  readonly able: boolean;
  /** When it was opened, milliseconds. */
  readonly since: number;
  /** Whether the person looks at it. */
  readonly front: boolean;
}

interface Word {
  readonly is: "here" | "who" | "gone" | "done";
  readonly tab: Tab;
  /** Of `done`: what was done. */
  readonly key?: string;
}

/** The part of a BroadcastChannel that is used. */
export interface Channel {
  postMessage(word: Word): void;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
}

/** So long the others wait for a word of the one whose turn it is. */
export const WAIT_MS = 1000;
/** And so long when it has answered: it is there, but slow. Twice is better than never. */
export const SLOW_MS = 3000;
const REMEMBERED = 50;

function isWord(value: unknown): value is Word {
  const word = value as Word | null;
  return typeof word === "object" && word !== null && typeof word.tab?.id === "string";
}

function before(a: Tab, b: Tab): boolean {
  if (a.able !== b.able) return a.able;
  return a.since === b.since ? a.id < b.id : a.since < b.since;
}

export class OneTab {
  readonly #others = new Map<string, Tab>();
  readonly #done: string[] = [];
  /** Which tabs have spoken since an event that waits. */
  readonly #spoken = new Map<string, Set<string>>();
  readonly #channel: Channel | null;
  #me: Tab;

  /** `channel` null, in browsers that have none: every tab acts. */
  constructor(channel: Channel | null, id: string, since: number) {
    this.#channel = channel;
    this.#me = { id, since, able: false, front: false };
    if (channel === null) return;
    channel.onmessage = ({ data }) => {
      if (isWord(data)) this.#hear(data);
    };
    this.#say("who");
  }

  /** What has changed about this tab. */
  update(changed: Partial<Pick<Tab, "able" | "front">>): void {
    this.#me = { ...this.#me, ...changed };
    this.#say("here");
  }

  /** This tab closes. */
  leave(): void {
    this.#say("gone");
  }

  /** Whether the person looks at another tab of this page. */
  get otherInFront(): boolean {
    return [...this.#others.values()].some(({ front }) => front);
  }

  /** Do `act` in one tab; `key` names the event, the same in all of them. */
  once(key: string, act: () => void): void {
    if (this.#done.includes(key)) return;
    if (this.#isFirst()) {
      this.#do(key, act);
      return;
    }
    const spoken = this.#spoken.get(key) ?? new Set<string>();
    this.#spoken.set(key, spoken);
    this.#say("who");
    setTimeout(() => {
      // Who is there forgets nobody, and does it; who is not says nothing.
      for (const [id, tab] of this.#others)
        if (before(tab, this.#me) && !spoken.has(id)) this.#others.delete(id);
      if (this.#isFirst()) this.#finish(key, act);
      else setTimeout(() => this.#finish(key, act), SLOW_MS);
    }, WAIT_MS);
  }

  #finish(key: string, act: () => void): void {
    this.#spoken.delete(key);
    if (!this.#done.includes(key)) this.#do(key, act);
  }

  #isFirst(): boolean {
    return [...this.#others.values()].every((tab) => before(this.#me, tab));
  }

  #do(key: string, act: () => void): void {
    this.#note(key);
    this.#say("done", key);
    act();
  }

  #note(key: string): void {
    this.#done.push(key);
    if (this.#done.length > REMEMBERED) this.#done.shift();
  }

  #say(is: Word["is"], key?: string): void {
    this.#channel?.postMessage({ is, tab: this.#me, ...(key === undefined ? {} : { key }) });
  }

  #hear(word: Word): void {
    if (word.is === "gone") this.#others.delete(word.tab.id);
    else this.#others.set(word.tab.id, word.tab);
    for (const spoken of this.#spoken.values()) spoken.add(word.tab.id);
    if (word.is === "who") this.#say("here");
    if (word.is === "done" && word.key !== undefined) this.#note(word.key);
  }
}

function isInFront(): boolean {
  return !document.hidden && document.hasFocus();
}

/** The tabs of the page `name` in this browser. */
export function tabsOf(name: string): OneTab {
  const channel =
    typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`agentd.${name}`);
  const tabs = new OneTab(channel, `${Math.random()}`, performance.timeOrigin);
  const look = () => tabs.update({ front: isInFront() });
  look();
  for (const what of ["focus", "blur", "pageshow"]) addEventListener(what, look);
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", () => tabs.leave());
  return tabs;
}
