import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Loading } from "./parts";

/** A component whose code is fetched when it is first drawn; until then the page says so. */
export function lazily<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let known: ComponentType<P> | null = null;
  return function Lazily(props: P) {
    const [Found, setFound] = useState<ComponentType<P> | null>(() => known);
    useEffect(() => {
      if (known !== null) return;
      void load().then((found) => {
        known = found;
        setFound(() => found);
      });
    }, []);
    return Found === null ? <Loading /> : <Found {...props} />;
  };
}
