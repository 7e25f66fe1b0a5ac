import { moment } from "../desk/ui";
import { Icon } from "../ui/icons";
import { doneFault, faults, personText } from "./state";
import { tellOutcome } from "./ui";
import { shiftWords } from "./words";

/** Phones that somebody reported as faulty; one press when they are mended. */
export function Faults() {
  const t = shiftWords.value.inbox;
  return (
    <section class="sl-section" data-section="faults" aria-labelledby="sl-faults">
      <h2 id="sl-faults" class="sl-section-top">
        <Icon name="phone" />
        {t.faults}
        <span class="count">{faults.value.length}</span>
      </h2>
      {faults.value.length === 0 && <p class="nothing">{t.faultsNone}</p>}
      <ul>
        {faults.value.map((fault) => (
          <li key={fault.id} class="sl-row">
            <span class="sl-row-main">
              <span class="sl-row-title">
                {fault.seat} · {fault.text}
              </span>
              <span class="sl-facts">
                {t.faultBy(personText(fault.by), moment(fault.at, null))}
              </span>
            </span>
            <span class="sl-row-acts">
              <button
                type="button"
                class="button"
                onClick={() => void doneFault(fault.id).then((no) => tellOutcome(no, t.faultDone))}
              >
                {t.faultDone}
              </button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
