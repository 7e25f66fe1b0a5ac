import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { common } from "../i18n/common";
import { Icon } from "./icons";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly wide?: boolean;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** A dialog over the page: keeps the focus inside, Escape closes, the focus returns afterwards. */
export function Dialog({ title, onClose, wide = false, class: extra = "", children }: DialogProps) {
  const c = common.value;
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  // Before the next key can be pressed.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const first = box.current?.querySelector<HTMLElement>(
      "[data-first], input:not([hidden]), select, textarea",
    );
    (first ?? box.current)?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  // What had the focus may have gone from the dialog: the page's keys must not be the next ones.
  useLayoutEffect(() => {
    const outside = (event: KeyboardEvent) => {
      const at = event.target;
      const open = [...document.querySelectorAll("[data-dialog]")];
      if (box.current === null || open[open.length - 1] !== box.current.parentElement) return;
      if (at instanceof Node && box.current.contains(at)) return;
      event.stopPropagation();
      if (event.key === "Escape" && !event.isComposing) onClose();
      else box.current.focus();
    };
    document.addEventListener("keydown", outside, true);
    return () => document.removeEventListener("keydown", outside, true);
  });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.isComposing) {
      event.stopPropagation();
      onClose();
    }
    if (event.key !== "Tab") return;
    const inside = focusable(box.current);
    const first = inside[0];
    const last = inside[inside.length - 1];
    if (first === undefined || last === undefined) return;
    const at = document.activeElement;
    // Also from a text that has the focus and is no stop of its own.
    const way = event.shiftKey
      ? Node.DOCUMENT_POSITION_PRECEDING
      : Node.DOCUMENT_POSITION_FOLLOWING;
    const more = inside.some((element) => at !== null && at.compareDocumentPosition(element) & way);
    if (more) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  };
  return (
    <div class="veil" data-dialog="yes">
      <div
        class={`dialog ${extra}`}
        data-wide={wide ? "yes" : "no"}
        role="dialog"
        aria-modal="true"
        aria-labelledby={id}
        tabIndex={-1}
        ref={box}
        onKeyDown={onKeyDown}
      >
        <div class="dialog-top">
          <h2 id={id}>{title}</h2>
          <button type="button" class="control" aria-label={c.close} onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </div>
  );
}

function focusable(box: HTMLElement | null): HTMLElement[] {
  const found = box?.querySelectorAll<HTMLElement>(
    "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), audio[controls]",
  );
  return [...(found ?? [])].filter((element) => element.offsetParent !== null);
}
