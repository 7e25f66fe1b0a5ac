import { type ReadonlySignal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { messages } from "../i18n";
import type { Bar as BarValue } from "../model/rules";
import type { Strength } from "../model/types";
import { floatAt, floatAway, floatSoon } from "./floating";
import { Icon } from "./icons";

/**
 * A computation as a signal, always by the function of the newest render: useComputed alone keeps
 * what the first one closed over until a signal changes.
 */
export function useLive<T>(compute: () => T): ReadonlySignal<T> {
  const latest = useSignal(compute);
  latest.value = compute;
  return useComputed(() => latest.value());
}

/** A thin bar that fills against its limit, with a mark where the warning begins. */
export function Bar({ of }: { of: () => BarValue | null }) {
  const track = useRef<HTMLDivElement>(null);
  const fill = useRef<HTMLDivElement>(null);
  const mark = useRef<HTMLDivElement>(null);
  // Half percents: finer steps cannot be seen and would cost a style each.
  const shown = useLive(() => {
    const value = of();
    return value === null
      ? null
      : `${Math.round(value.fill * 200) / 200} ${value.mark ?? ""} ${value.strength}`;
  });
  useSignalEffect(() => {
    const [share, markAt, strength] = shown.value?.split(" ") ?? [];
    if (track.current === null || fill.current === null || mark.current === null) return;
    track.current.dataset.shown = share === undefined ? "no" : "yes";
    track.current.dataset.strength = strength ?? "calm";
    fill.current.style.width = `${Number(share ?? 0) * 100}%`;
    mark.current.hidden = !markAt;
    if (markAt) mark.current.style.left = `${Number(markAt) * 100}%`;
  });
  return (
    <div class="bar" ref={track} aria-hidden="true">
      <div class="bar-fill" ref={fill} />
      <div class="bar-mark" ref={mark} hidden />
    </div>
  );
}

/** Text that follows a computation, without rendering its component again. */
export function Live({ text }: { text: () => string }) {
  const value = useLive(text);
  return <>{value}</>;
}

/** A strength as icon and word. */
export function StrengthTag({ strength, word }: { strength: Strength; word?: string }) {
  return (
    <span class="tag" data-strength={strength}>
      <Icon name={strength} />
      {word ?? messages.value.strength[strength]}
    </span>
  );
}

interface FigureProps {
  readonly class?: string;
  readonly name: string;
  readonly why: string;
  readonly strength?: Strength;
  /** Where what is behind the number is. */
  readonly href?: string | undefined;
  readonly children: ComponentChildren;
}

/** A number that shows its name and formula on hover, focus or a tap, and may open what it counts. */
export function Figure({ class: extra = "", name, why, strength, href, children }: FigureProps) {
  const id = useId();
  const note = () => (
    <>
      <strong>{name}</strong>
      <p>{why}</p>
    </>
  );
  const shared = {
    class: `figure ${extra}`,
    "data-strength": strength,
    "aria-describedby": id,
    onPointerEnter: (event: { currentTarget: HTMLElement }) => floatSoon(event.currentTarget, note),
    onPointerLeave: (event: { currentTarget: HTMLElement }) => floatAway(event.currentTarget),
    onFocus: (event: { currentTarget: HTMLElement }) => floatAt(event.currentTarget, note),
    onBlur: (event: { currentTarget: HTMLElement }) => floatAway(event.currentTarget),
  };
  const shown = (
    <>
      {children}
      <span id={id} class="unseen">
        {why}
      </span>
    </>
  );
  if (href !== undefined)
    return (
      <a {...shared} href={href}>
        {shown}
      </a>
    );
  return (
    <button type="button" {...shared}>
      {shown}
    </button>
  );
}
