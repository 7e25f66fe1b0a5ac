import { catalogue } from "../i18n";

const zh = {
  title: "演示话机",
  seat: (number: string) => `座席 ${number}`,
  state: { idle: "空闲", ringing: "振铃", talking: "通话", holding: "保持" },
  answer: "接听",
  hold: "保持",
  unhold: "取回",
  hangUp: "挂断（话务员）",
  customer: "客户挂断",
  hint: "先在工作台签入这个座席并就绪，来电会自动打进来。把两个窗口并排放置。",
  toDesk: "打开工作台",
  none: "这里没有演示话机：它只在 agentd demo 中存在。",
  lost: "连接不上演示。",
};

const en: typeof zh = {
  title: "Demo phone",
  seat: (number) => `Seat ${number}`,
  state: { idle: "idle", ringing: "ringing", talking: "talking", holding: "on hold" },
  answer: "Answer",
  hold: "Hold",
  unhold: "Take back",
  hangUp: "Hang up (agent)",
  customer: "Customer hangs up",
  hint: "Sign in to this seat at the desk and be ready: calls come by themselves. Put the two windows side by side.",
  toDesk: "Open the desk",
  none: "There is no demo phone here: it exists in agentd demo only.",
  lost: "The demo cannot be reached.",
};

export const phoneWords = catalogue(zh, en);
