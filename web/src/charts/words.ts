import { catalogue, type MessagesLike } from "../i18n";
import { chartsEn } from "./words.en";
import { chartsZh } from "./words.zh-CN";

export type ChartsMessages = MessagesLike<typeof chartsZh>;

export const chartsWords = catalogue(chartsZh, chartsEn);
