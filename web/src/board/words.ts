import { catalogue, type MessagesLike } from "../i18n";
import { boardEn } from "./words.en";
import { boardZh } from "./words.zh-CN";

export type BoardMessages = MessagesLike<typeof boardZh>;

/** What only the wallboard says. */
export const board = catalogue(boardZh, boardEn);
