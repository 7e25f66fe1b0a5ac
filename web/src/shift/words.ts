import { catalogue, type MessagesLike } from "../i18n";
import { shiftEn } from "./words.en";
import { shiftZh } from "./words.zh-CN";

export type ShiftMessages = MessagesLike<typeof shiftZh>;

export const shiftWords = catalogue(shiftZh, shiftEn);
