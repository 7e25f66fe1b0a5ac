const LINES = {
  rising: "M-1 1l2-2M0 7L7 0M6 8l2-2",
  falling: "M-1 6l2 2M0 0l7 7M6-1l2 2",
  crossed: "M-1 1l2-2M0 7L7 0M6 8l2-2M-1 6l2 2M0 0l7 7M6-1l2 2",
} as const;

interface HatchProps {
  readonly id: string;
  readonly class: string;
  readonly lines?: keyof typeof LINES;
}

/** Slanting lines: what is known by more than its colour. */
export function Hatch({ id, class: name, lines = "rising" }: HatchProps) {
  return (
    <pattern id={id} width="7" height="7" patternUnits="userSpaceOnUse">
      <path class={name} d={LINES[lines]} />
    </pattern>
  );
}
