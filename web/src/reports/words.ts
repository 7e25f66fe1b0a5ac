import { catalogue, type MessagesLike } from "../i18n";
import { reportsEn } from "./words.en";
import { reportsZh } from "./words.zh-CN";

export type ReportsMessages = MessagesLike<typeof reportsZh>;

export const reportsWords = catalogue(reportsZh, reportsEn);
