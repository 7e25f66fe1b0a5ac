import type { ComponentChildren } from "preact";
import { Dialog } from "./Dialog";

/** A key as it is written on the page, and what it does; "" is no key. */
export type KeyLine = readonly [key: string, what: string];

interface Props {
  readonly title: string;
  readonly lead: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Every key that does something, in groups ({@link KeyGroup}). */
export function KeysDialog({ title, lead, onClose, children }: Props) {
  return (
    <Dialog title={title} wide class="help" onClose={onClose}>
      <p tabIndex={-1} data-first="yes">
        {lead}
      </p>
      <div class="help-groups">{children}</div>
    </Dialog>
  );
}

export function KeyGroup({ title, keys }: { title: string; keys: readonly KeyLine[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {keys
          .filter(([key]) => key !== "")
          .map(([key, what]) => (
            <div key={key} class="help-key">
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}
