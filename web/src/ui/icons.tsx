import type { Direction, SeatState } from "../model/types";

// Drawn on a 16 x 16 grid, in the colour of the text beside them. Each shape is its own, so that a
// state or strength is known without its colour.

const STROKES = {
  available: "M8 2.750a5.250 5.250 0 1 0 0 10.500a5.250 5.250 0 0 0 0-10.500z",
  offered: "M2.500 8h.01M8 8h.01M13.500 8h.01",
  ringing:
    "M8 2.250c-2.350 0-3.850 1.700-3.850 4v2.500L2.900 11.250h10.200l-1.250-2.500v-2.500c0-2.300-1.500-4-3.850-4zM6.600 13.750h2.800",
  talking: "M2.500 6.750v2.500M5.250 4.250v7.500M8 2.250v11.500M10.750 5v6M13.500 6.750v2.500",
  holding: "M5.250 3v10M10.750 3v10",
  wrap_up: "M3 13l.75-3.250 6.750-6.750 2.500 2.500-6.750 6.750zM9 4.500l2.500 2.500",
  paused: "M8 2.250a5.750 5.750 0 1 0 0 11.500a5.750 5.750 0 0 0 0-11.500zM5.250 8h5.500",
  unreachable: "M3.250 3.250l9.500 9.500M12.750 3.250l-9.500 9.500",
  logged_out: "M6.500 2.750h-3.750v10.500h3.750M10 5l3 3-3 3M13 8H6.500",
  outbound: "M4.250 11.750l7.500-7.500M6 4.250h5.750v5.750",
  inbound: "M11.750 4.250l-7.500 7.500M10 11.750H4.250V6",
  internal: "M2.500 5.750h10.500l-2.500-2.500M13.500 10.250H3l2.500 2.500",
  order: "M4 2.250h8v11.500H4zM6.250 5.500h3.500M6.250 8h3.500M6.250 10.500h2",
  calm: "M3 8.500l3.250 3.250L13 4.750",
  sun: "M8 5a3 3 0 1 0 0 6a3 3 0 0 0 0-6zM8 1.250v1.250M8 13.500v1.250M1.250 8H2.500M13.500 8h1.250M3.250 3.250l.9.9M11.850 11.850l.9.9M12.750 3.250l-.9.9M4.150 11.850l-.9.9",
  moon: "M13 9.500A5.500 5.500 0 0 1 6.500 3a5.500 5.500 0 1 0 6.500 6.500z",
  system: "M2.250 3h11.500v8H2.250zM5.500 13.500h5",
  person:
    "M8 2.500a2.750 2.750 0 1 0 0 5.500a2.750 2.750 0 0 0 0-5.500zM2.750 13.500c.6-2.500 2.600-4 5.250-4s4.650 1.500 5.250 4",
  eye: "M1.500 8c1.500-2.800 3.800-4.250 6.500-4.250s5 1.450 6.500 4.250c-1.500 2.800-3.800 4.250-6.500 4.250s-5-1.450-6.500-4.250zM8 6.250a1.750 1.750 0 1 0 0 3.500a1.750 1.750 0 0 0 0-3.500z",
  hidden:
    "M1.500 8c1.500-2.800 3.800-4.250 6.500-4.250s5 1.450 6.500 4.250c-1.500 2.800-3.800 4.250-6.500 4.250s-5-1.450-6.500-4.250zM3 13L13 3",
  sound:
    "M2.500 6.250v3.500h2.250L8 12.500v-9L4.750 6.250zM10.500 5.750a3.200 3.200 0 0 1 0 4.500M12.250 4a5.650 5.650 0 0 1 0 8",
  mute: "M2.500 6.250v3.500h2.250L8 12.500v-9L4.750 6.250zM10.500 6.250l3.500 3.500M14 6.250l-3.500 3.500",
  help: "M8 2.250a5.750 5.750 0 1 0 0 11.500a5.750 5.750 0 0 0 0-11.500zM6.250 6.500a1.750 1.750 0 1 1 2.500 1.600c-.5.250-.75.600-.75 1.150M8 11.250h.01",
  phone:
    "M3 2.750h2.250l1 3-1.400 1.150a8 8 0 0 0 4.250 4.250L10.250 9.750l3 1V13c0 .4-.35.750-.75.750C7 13.750 2.250 9 2.250 3.500c0-.4.35-.750.75-.750z",
  close: "M4 4l8 8M12 4l-8 8",
  link: "M6.500 9.500l3-3M7.250 4.750l1.500-1.500a2.830 2.830 0 0 1 4 4l-1.500 1.500M8.750 11.250l-1.500 1.500a2.830 2.830 0 0 1-4-4l1.500-1.500",
  notice:
    "M8 2.250a5.750 5.750 0 1 0 0 11.500a5.750 5.750 0 0 0 0-11.500zM8 7.250v3.750M8 4.900h.01",
} as const satisfies Record<SeatState | Direction | string, string>;

// Filled, with the sign cut out: heavier, for what must be seen.
const SOLIDS = {
  warning: "M8 1.250L15.500 14.250H.5zM7.100 6v4.250h1.800V6zM7.100 11.250v1.700h1.800v-1.700z",
  breach: "M5 .75h6L15.250 5v6L11 15.250H5L.75 11V5zM7 3.750v5.250h2V3.750zM7 10.500v2h2v-2z",
  urgent:
    "M8 .25L15.750 8L8 15.750L.25 8zM5.400 5v4h1.800V5zM5.400 10v1.600h1.800V10zM8.800 5v4h1.800V5zM8.800 10v1.600h1.800V10z",
} as const;

export type IconName = keyof typeof STROKES | keyof typeof SOLIDS;

/** The path of an icon. */
export function shapeOf(name: IconName): string {
  return name in SOLIDS
    ? SOLIDS[name as keyof typeof SOLIDS]
    : STROKES[name as keyof typeof STROKES];
}

/** Decoration: the word stands beside it or in the label. */
export function Icon({ name, large = false }: { name: IconName; large?: boolean }) {
  const solid = name in SOLIDS ? SOLIDS[name as keyof typeof SOLIDS] : null;
  return (
    <svg class={large ? "icon large" : "icon"} viewBox="0 0 16 16" aria-hidden="true">
      {solid === null ? (
        <path class="stroke" d={STROKES[name as keyof typeof STROKES]} />
      ) : (
        <path class="solid" fill-rule="evenodd" d={solid} />
      )}
    </svg>
  );
}

/** The product's mark. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M7 14v4M12 10v12M17 6v20M22 11v10M27 14.500v3" />
    </svg>
  );
}
