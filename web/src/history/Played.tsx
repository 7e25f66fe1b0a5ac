import { useEffect, useRef, useState } from "preact/hooks";
import { apiUrl } from "../api/client";
import { duration } from "../model/format";
import { clock } from "./ask";
import { Timeline } from "./Timeline";
import { type Drawn, soundAt } from "./timeline";
import type { StoryRecording } from "./types";
import { historyWords } from "./words";

interface PlayedProps {
  readonly of: Drawn;
  readonly pbx: string;
  readonly recordings: readonly StoryRecording[];
}

/** Seconds by which a recording may differ from its span before it is said. */
const NEAR_S = 2;

/** The drawing, and the recording in step with it. */
export function Played({ of, pbx, recordings }: PlayedProps) {
  const t = historyWords.value.call;
  const sound = useRef<HTMLAudioElement>(null);
  const [chosen, setChosen] = useState<StoryRecording | null>(recordings[0] ?? null);
  const [at, setAt] = useState<number | null>(chosen?.started_at ?? null);
  const [length, setLength] = useState<number | null>(null);
  const [lost, setLost] = useState(false);
  /** Where to go once the recording that was chosen is there. */
  const wanted = useRef<number | null>(null);

  useEffect(() => {
    const element = sound.current;
    if (element === null || chosen === null) return undefined;
    let frame = 0;
    const follow = () => {
      setAt(chosen.started_at + element.currentTime);
      if (!element.paused) frame = requestAnimationFrame(follow);
    };
    const loaded = () => {
      setLength(Number.isFinite(element.duration) ? element.duration : null);
      if (wanted.current !== null) element.currentTime = wanted.current;
      wanted.current = null;
    };
    const failed = () => setLost(true);
    element.addEventListener("play", follow);
    element.addEventListener("seeked", follow);
    element.addEventListener("loadedmetadata", loaded);
    element.addEventListener("error", failed);
    if (element.readyState >= HTMLMediaElement.HAVE_METADATA) loaded();
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener("play", follow);
      element.removeEventListener("seeked", follow);
      element.removeEventListener("loadedmetadata", loaded);
      element.removeEventListener("error", failed);
    };
  }, [chosen]);

  const choose = (next: StoryRecording, from: number) => {
    wanted.current = from;
    setLost(false);
    setLength(null);
    setChosen(next);
    setAt(next.started_at + from);
  };
  const seek = (to: number) => {
    const element = sound.current;
    // Where nothing was recorded the sound goes to the nearest end of what was.
    const next = soundAt(recordings, to, of.to) ?? chosen;
    if (next === null || element === null) return;
    const from = Math.max(0, to - next.started_at);
    if (next.id !== chosen?.id) choose(next, from);
    else {
      element.currentTime = length === null ? from : Math.min(from, length);
      setAt(next.started_at + element.currentTime);
    }
  };
  const toggle = () => {
    const element = sound.current;
    if (element === null) return;
    if (element.paused) void element.play().catch(() => setLost(true));
    else element.pause();
  };
  const spoken = chosen === null ? null : (chosen.ended_at ?? of.to) - chosen.started_at;
  const differs = length !== null && spoken !== null && Math.abs(length - spoken) > NEAR_S;
  return (
    <section class="hx-played" aria-label={t.drawn}>
      <Timeline of={of} pbx={pbx} playing={at} onSeek={seek} onToggle={toggle} />
      {chosen !== null && (
        <div class="hx-player">
          <audio
            key={chosen.id}
            ref={sound}
            controls
            preload="metadata"
            src={apiUrl(`recordings/${encodeURIComponent(chosen.id)}`)}
            aria-label={t.recording}
          />
          {recordings.length > 1 &&
            recordings.map((one, index) => (
              <button
                key={one.id}
                type="button"
                class="button"
                aria-pressed={one.id === chosen.id}
                onClick={() => choose(one, 0)}
              >
                {t.recordingOf(index + 1)} {clock(one.started_at, pbx)}
              </button>
            ))}
          {at !== null && <output class="hx-at">{clock(at, pbx, "t")}</output>}
          <span class="faint hx-hint">{t.seekHint}</span>
          {lost && (
            <span class="problem" role="alert">
              {t.soundLost}
            </span>
          )}
          {differs && (
            <span class="hx-note">{t.soundDiffers(duration(length), duration(spoken))}</span>
          )}
        </div>
      )}
      <Legend />
    </section>
  );
}

const KINDS = ["wait", "ring", "talk", "hold", "consult", "park", "wrap_up"] as const;

function Legend() {
  const t = historyWords.value;
  return (
    <ul class="hx-legend" aria-label={t.legend}>
      {KINDS.map((kind) => (
        <li key={kind}>
          <span class="hx-swatch" data-kind={kind} aria-hidden="true" />
          {t.call.part[kind]}
        </li>
      ))}
      <li>
        <span class="hx-swatch" data-kind="gap" aria-hidden="true" />
        {t.gap}
      </li>
    </ul>
  );
}
