import { catalogue, type MessagesLike } from "../i18n";
import { loginEn } from "./words.en";
import { loginZh } from "./words.zh-CN";

export type LoginMessages = MessagesLike<typeof loginZh>;

export const loginWords = catalogue(loginZh, loginEn);
