import type { Answer } from "../api/client";
import { problemText } from "../live/problem";
import { store } from "../live/store";
import { type act, say, type Target } from "./control";
import type { Act } from "./types";
import { board } from "./words";

type Acted = Awaited<ReturnType<typeof act>>;

/** Who or what the target is, as people call it. */
export function nameOf(target: Target): string {
  if (target.kind === "seat") {
    const seat = store.seat(target.key);
    return seat === undefined ? target.key : `${seat.label} ${seat.agent ?? ""}`.trim();
  }
  const waiting = store.queue(target.queue)?.waiting ?? [];
  return waiting.find(({ call }) => call === target.call)?.caller ?? target.call;
}

/** Tell what came of an act; true when it was done. */
export function finish(
  name: Act,
  target: Target,
  answer: Acted | Answer<unknown>,
  to = "",
): boolean {
  const t = board.value.done;
  if (!answer.ok) {
    say(problemText(answer.problem), false);
    return false;
  }
  const acted = (answer as Extract<Acted, { ok: true }>).value;
  const who = nameOf(target);
  switch (name) {
    case "listen":
    case "whisper":
    case "barge":
      say(t[name](acted?.phone ?? ""));
      break;
    case "pause":
    case "unpause":
    case "logout":
    case "message":
      say(t[name](who));
      break;
    case "move_up":
      say(t.move_up(acted?.position ?? 1, acted?.queue ?? ""));
      break;
    case "redirect":
      say(t.redirect(to));
      break;
    case "hangup":
      say(t.hangup);
  }
  return true;
}
