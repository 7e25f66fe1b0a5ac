import type { LoginMessages } from "./words";

export const loginEn: LoginMessages = {
  title: "Log in",
  login: "Staff number",
  password: "Password",
  show: "Show password",
  hide: "Hide password",
  submit: "Log in",
  busy: "Logging in …",
  wrong: "Staff number or password is wrong.",
  wait: (seconds) => `Too many wrong tries: wait ${seconds} s, then try again.`,
  slow: "Too many tries: wait a little, then try again.",
  disabled: "This account is disabled: ask the admin.",
  noAccounts: "There are no accounts yet",
  firstAccount:
    "Make the first one (an admin) on the machine where agentd runs, then come back to this page:",
  command: 'agentd user add 1001 --name "Ann Lee" --role admin',
  again: "Try again",
  needBoth: "Enter staff number and password.",
};
