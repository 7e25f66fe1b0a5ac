import { catalogue, type MessagesLike } from "../i18n";
import { settingsEn } from "./words.en";
import { settingsZh } from "./words.zh-CN";

export type SettingsMessages = MessagesLike<typeof settingsZh>;

export const settingsWords = catalogue(settingsZh, settingsEn);
