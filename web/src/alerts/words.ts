import { catalogue, type MessagesLike } from "../i18n";
import { alertsEn } from "./words.en";
import { alertsZh } from "./words.zh-CN";

export type AlertsMessages = MessagesLike<typeof alertsZh>;

export const alertsWords = catalogue(alertsZh, alertsEn);
