// Words that several pages use: people, orders, appeals.

import { catalogue, type MessagesLike } from ".";
import { commonEn } from "./common.en";
import { commonZh } from "./common.zh-CN";

export type CommonMessages = MessagesLike<typeof commonZh>;

export const common = catalogue(commonZh, commonEn);
