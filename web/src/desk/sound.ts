// Short signals, made here: no file to load, nothing that a headset would not carry.

import { signal } from "@preact/signals";
import { me, saveSettings } from "../live/session";

export const SOUNDS = ["clear", "soft", "off"] as const;
export type Sound = (typeof SOUNDS)[number];
export type Signal = "warning" | "breach";

interface Note {
  readonly hz: number;
  readonly at_s: number;
  readonly for_s: number;
}

// A warning rises once; a breach falls, lower and three times: told apart without being loud.
const NOTES: Readonly<Record<Signal, readonly Note[]>> = {
  warning: [
    { hz: 784, at_s: 0, for_s: 0.12 },
    { hz: 1047, at_s: 0.13, for_s: 0.16 },
  ],
  breach: [0, 0.26, 0.52].flatMap((at_s) => [
    { hz: 523, at_s, for_s: 0.1 },
    { hz: 392, at_s: at_s + 0.11, for_s: 0.12 },
  ]),
};
const WAVE = { clear: "triangle", soft: "sine" } as const;
const LOUDNESS = { clear: 0.28, soft: 0.12 } as const;

/** Whether the browser lets the page sound: it wants one click or key first. */
export const audible = signal(false);

let context: AudioContext | null = null;

export function chosenSound(): Sound {
  const said = me.value?.settings.sound;
  return SOUNDS.find((name) => name === said) ?? "clear";
}

export function chooseSound(sound: Sound): void {
  void saveSettings({ sound });
}

function wake(): void {
  if (typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  void context.resume().then(() => {
    audible.value = context?.state === "running";
  });
}

/** Make ready with the first click or key, as browsers demand. */
export function followSound(): void {
  addEventListener("pointerdown", wake, { once: true });
  addEventListener("keydown", wake, { once: true });
}

export function play(what: Signal, sound: Sound = chosenSound()): void {
  if (sound === "off") return;
  // For whoever watches the page without ears.
  document.documentElement.dataset.sounded = what;
  wake();
  if (context === null || context.state !== "running") return;
  const start = context.currentTime + 0.01;
  for (const { hz, at_s, for_s } of NOTES[what]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.type = WAVE[sound];
    tone.frequency.value = hz;
    // Edges are ramped: a square edge clicks in a headset.
    volume.gain.setValueAtTime(0, start + at_s);
    volume.gain.linearRampToValueAtTime(LOUDNESS[sound], start + at_s + 0.015);
    volume.gain.setValueAtTime(LOUDNESS[sound], start + at_s + for_s - 0.03);
    volume.gain.linearRampToValueAtTime(0, start + at_s + for_s);
    tone.connect(volume).connect(context.destination);
    tone.start(start + at_s);
    tone.stop(start + at_s + for_s);
  }
}
