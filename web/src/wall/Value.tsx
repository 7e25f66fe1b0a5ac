import { Icon } from "../ui/icons";
import { useLive } from "../ui/parts";
import type { Shown } from "./queue";

/** A figure in large type; its colour has a sign beside it. */
export function Value({ of }: { of: () => Shown }) {
  const now = useLive(() => {
    const { text, strength, gap } = of();
    return `${strength} ${gap} ${text}`;
  });
  const [strength = "calm", gap, ...text] = now.value.split(" ");
  return (
    <span class="wall-value" data-strength={strength}>
      {(strength === "warning" || strength === "breach") && <Icon name={strength} />}
      {text.join(" ")}
      {gap === "true" && <span class="wall-gap" aria-hidden="true" />}
    </span>
  );
}
