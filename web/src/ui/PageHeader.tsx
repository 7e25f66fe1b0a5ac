import type { ComponentChildren } from "preact";
import { common } from "../i18n/common";
import { Account, Appearance, type PageName } from "./Account";
import { SiteClock } from "./Header";
import { Mark } from "./icons";

interface PageHeaderProps {
  readonly page: PageName;
  /** What the page shows of its own, beside its name. */
  readonly children?: ComponentChildren;
  /** Its own small buttons, before those that every page has. */
  readonly tools?: ComponentChildren;
}

/** The head of a page on which people work: its name, the server's time, appearance, account. */
export function PageHeader({ page, children, tools }: PageHeaderProps) {
  return (
    <header class="header">
      <h1 class="title">
        <Mark />
        <span class="wide-screen">{common.value.nav[page]}</span>
      </h1>
      <div class="header-own">{children}</div>
      <div class="controls">
        <SiteClock />
        {tools}
        <Appearance />
        <Account page={page} />
      </div>
    </header>
  );
}
