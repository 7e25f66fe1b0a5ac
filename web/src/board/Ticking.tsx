import { useLayoutEffect, useRef } from "preact/hooks";
import { HALL, type Room, type Running } from "../live/ticker";

interface Props {
  /** Whose clock; null: the server's. */
  readonly pbx: string | null;
  readonly exact?: boolean;
  readonly room?: Room;
  /** What stands there at `now`, seconds of that clock. */
  readonly text: (now: number) => string;
}

/** A running time: written into its text node by the ticker, never rendered for it. */
export function Ticking({ pbx, exact = true, room = HALL, text }: Props) {
  const span = useRef<HTMLSpanElement>(null);
  const newest = useRef(text);
  newest.current = text;
  useLayoutEffect(() => {
    const node = span.current?.appendChild(document.createTextNode(""));
    if (node === undefined) return undefined;
    const running: Running = {
      pbx,
      exact,
      show(now) {
        const shown = now === null ? "" : newest.current(now);
        if (node.data !== shown) node.data = shown;
      },
    };
    room.show(running);
    shows.current = () => room.show(running);
    const leave = room.enter(running);
    return () => {
      leave();
      node.remove();
    };
  }, [pbx, exact, room]);
  const shows = useRef<() => void>(() => undefined);
  useLayoutEffect(() => shows.current());
  return <span class="ticking" ref={span} />;
}
