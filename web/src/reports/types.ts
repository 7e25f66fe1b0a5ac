// What GET /api/reports answers.

import type { Label } from "../api/types";
import type { Unit } from "../history/types";

export const BYS = ["queue", "team", "person"] as const;
export type By = (typeof BYS)[number];
export const KINDS = ["shift", "day", "month", "span"] as const;
export type Kind = (typeof KINDS)[number];
export const GROUPS = ["waiting", "calls", "hours", "outbound", "orders", "rules"] as const;
export type Group = (typeof GROUPS)[number];

export interface Figure {
  readonly value: number | null;
  readonly num: number;
  readonly den: number;
  readonly gap: boolean;
  readonly estimated: number;
}

export type Figures = Readonly<Record<string, Figure>>;

export interface Column {
  readonly key: string;
  readonly group: Group;
  readonly name: Label;
  readonly formula: Label;
  readonly unit: Unit;
}

export interface Period {
  readonly kind: Kind;
  readonly first: string;
  readonly last: string;
  readonly hours: string;
  readonly spells: readonly { readonly from_at: number; readonly to_at: number }[];
  readonly step: "hour" | "day" | "month";
  readonly words: Label;
  readonly unfinished: boolean;
}

export interface Line {
  readonly name: string;
  readonly label: string;
  readonly figures: Figures;
  readonly before: Figures;
  readonly pieces: readonly Figures[];
}

export interface Report {
  readonly title: Label;
  readonly site: string;
  readonly by: By;
  readonly period: Period;
  readonly before: Period;
  readonly columns: readonly Column[];
  readonly pieces: readonly { readonly label: string }[];
  readonly total: Line;
  readonly lines: readonly Line[];
  readonly gaps: readonly {
    readonly pbx: string;
    readonly from_at: number;
    readonly to_at: number;
  }[];
  readonly made_at: number;
  readonly shifts: readonly string[];
}
