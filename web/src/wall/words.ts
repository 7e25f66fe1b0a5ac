import { catalogue, type MessagesLike } from "../i18n";
import { wallEn } from "./words.en";
import { wallZh } from "./words.zh-CN";

export type WallMessages = MessagesLike<typeof wallZh>;

export const wallWords = catalogue(wallZh, wallEn);
