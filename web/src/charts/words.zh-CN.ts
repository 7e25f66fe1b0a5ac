export const chartsZh = {
  offered: "呼入",
  answered: "接通",
  abandoned: "放弃",
  level: "服务水平",
  gap: "断线时段，数字可能偏少",
  gapShort: "断线",
  none: "本时段还没有数据",
  time: "时间",
  absent: "–",
  /** For whoever cannot see the chart. */
  summary: (name: string, offered: string, answered: string, abandoned: string, level: string) =>
    `${name}：呼入 ${offered}，接通 ${answered}，放弃 ${abandoned}，服务水平 ${level}`,
  table: (name: string) => `${name}：每 15 分钟`,
};
