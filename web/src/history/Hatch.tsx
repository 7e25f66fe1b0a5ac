/** Slanting lines: what is known by more than its colour. */
export function Hatch({ id, class: name }: { id: string; class: string }) {
  return (
    <pattern id={id} width="7" height="7" patternUnits="userSpaceOnUse">
      <path class={name} d="M-1 1l2-2M0 7L7 0M6 8l2-2" />
    </pattern>
  );
}
