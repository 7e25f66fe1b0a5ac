import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { Icon } from "../ui/icons";
import { dismissProblem } from "./actions";
import { problem } from "./state";

/** Why the last thing was refused; stays until it is dismissed or something is done. */
export function ProblemLine() {
  const found = problem.value;
  return (
    <div role="alert">
      {found !== null && (
        <p class="problem">
          <Icon name="breach" />
          <span>{problemText(found)}</span>
          <button
            type="button"
            class="control problem-close"
            aria-label={common.value.close}
            onClick={dismissProblem}
          >
            <Icon name="close" />
          </button>
        </p>
      )}
    </div>
  );
}
