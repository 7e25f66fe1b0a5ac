import { catalogue, type MessagesLike } from "../i18n";
import { historyEn } from "./words.en";
import { historyZh } from "./words.zh-CN";

export type HistoryMessages = MessagesLike<typeof historyZh>;

export const historyWords = catalogue(historyZh, historyEn);
