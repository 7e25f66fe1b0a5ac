import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api } from "../api/client";
import { Appearance } from "../ui/Account";
import { phoneWords } from "./words";

const LOOK_EVERY_MS = 500;

type PhoneState = "idle" | "ringing" | "talking" | "holding";

interface Phone {
  readonly seat: string;
  readonly state: PhoneState;
  readonly number: string | null;
}

type Key = "answer" | "hold" | "unhold" | "hang_up" | "customer_hangs_up";

/** Which keys make sense in which state. */
const KEYS: Readonly<Record<PhoneState, readonly Key[]>> = {
  idle: [],
  ringing: ["answer", "hang_up"],
  talking: ["hold", "hang_up", "customer_hangs_up"],
  holding: ["unhold", "hang_up", "customer_hangs_up"],
};

/** The telephone of the one seat of `agentd demo` that a person can take. */
export function DemoPhone() {
  const t = phoneWords.value;
  const phone = useSignal<Phone | null>(null);
  const trouble = useSignal<"none" | "lost" | null>(null);

  const take = async (key?: Key) => {
    const answer = await api<Phone>(
      key === undefined ? "demo/phone" : `demo/phone/${key}`,
      key === undefined ? {} : { method: "POST", body: {} },
    );
    if (answer.ok) phone.value = answer.value;
    trouble.value = answer.ok ? null : answer.problem.status === 404 ? "none" : "lost";
  };

  useSignalEffect(() => {
    document.title = `${phoneWords.value.title} – agentd`;
  });
  useEffect(() => {
    void take();
    const timer = setInterval(() => void take(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);

  const word: Readonly<Record<Key, string>> = {
    answer: t.answer,
    hold: t.hold,
    unhold: t.unhold,
    hang_up: t.hangUp,
    customer_hangs_up: t.customer,
  };
  const shown = phone.value;
  return (
    <main class="login">
      <div class="login-tools">
        <Appearance />
      </div>
      <section class="login-box phone" data-state={shown?.state ?? "idle"}>
        <h1 class="title">{t.title}</h1>
        {trouble.value !== null ? (
          <p class="problem">{t[trouble.value]}</p>
        ) : (
          shown !== null && (
            <>
              <p class="phone-state" role="status">
                <strong>{t.state[shown.state]}</strong>
                <span>{shown.number ?? t.seat(shown.seat.split("/").pop() ?? shown.seat)}</span>
              </p>
              <div class="phone-keys">
                {KEYS[shown.state].map((key) => (
                  <button
                    type="button"
                    key={key}
                    class="button"
                    data-kind={key === "answer" ? "primary" : undefined}
                    data-key={key}
                    onClick={() => void take(key)}
                  >
                    {word[key]}
                  </button>
                ))}
              </div>
              <p class="faint">{t.hint}</p>
            </>
          )
        )}
        <a class="link" href="./desk" target="_blank" rel="noopener">
          {t.toDesk}
        </a>
      </section>
    </main>
  );
}
