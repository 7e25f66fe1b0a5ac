import { deskWords } from "../desk/words";
import { clock, fullMoment } from "./ask";

/** AMI events that a verdict hangs on: the time, a word, and what the PBX said. */
export function Evidence({ lines, pbx }: { lines: readonly string[]; pbx: string }) {
  const words: Readonly<Record<string, string>> = deskWords.value.mine.evidenceOf;
  return (
    <ol class="hx-evidence">
      {lines.map((line, index) => {
        const parts = /^(.*?) (\d{9,}(?:\.\d+)?)$/.exec(line);
        const what = parts?.[1] ?? line;
        const at = parts === null ? null : Number(parts[2]);
        const word = words[what.replaceAll(" ", "_")] ?? words[what.split(" ")[0] ?? ""] ?? "";
        return (
          <li key={`${index} ${line}`}>
            {at === null ? (
              <span />
            ) : (
              <time title={fullMoment(at, pbx)}>{clock(at, pbx, "t")}</time>
            )}
            <span>
              {word} <code>{what}</code>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
