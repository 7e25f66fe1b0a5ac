import { useLayoutEffect, useState } from "preact/hooks";
import { Room } from "../live/ticker";

/** Times run a little ahead of what is scrolled into sight. */
const AHEAD = "120px";

/** A room whose times run while its element is in sight. */
export function useRoom(box: { readonly current: HTMLElement | null }): Room {
  const [room] = useState(() => new Room(false));
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        const last = entries[entries.length - 1];
        if (last !== undefined) room.see(last.isIntersecting);
      },
      { rootMargin: AHEAD },
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      room.close();
    };
  }, [room, box]);
  return room;
}
