import type { ChartsMessages } from "./words";

export const chartsEn: ChartsMessages = {
  offered: "offered",
  answered: "answered",
  abandoned: "abandoned",
  level: "service level",
  gap: "not heard: figures may be too low",
  gapShort: "not heard",
  none: "Nothing in this time yet",
  time: "time",
  absent: "–",
  summary: (name, offered, answered, abandoned, level) =>
    `${name}: offered ${offered}, answered ${answered}, abandoned ${abandoned}, service level ${level}`,
  table: (name) => `${name}: every 15 minutes`,
};
