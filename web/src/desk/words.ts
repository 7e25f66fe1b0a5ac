import { catalogue, type MessagesLike } from "../i18n";
import { deskEn } from "./words.en";
import { deskZh } from "./words.zh-CN";

export type DeskMessages = MessagesLike<typeof deskZh>;

export const deskWords = catalogue(deskZh, deskEn);
