import type { Alert, Pbx, Queue, Seat, SeatClock } from "../src/model/types";

export function pbx(changes: Partial<Pbx> = {}): Pbx {
  return {
    kind: "pbx",
    id: "main",
    link: "up",
    since: null,
    reason: null,
    code: null,
    last_event_at: null,
    clock_offset_s: 0,
    clock_step: null,
    version: null,
    warnings: [],
    ...changes,
  };
}

export function queue(changes: Partial<Queue> = {}): Queue {
  return {
    kind: "queue",
    pbx: "main",
    name: "hotline",
    label: "热线",
    waiting: [],
    offered: 0,
    answered: 0,
    abandoned: 0,
    short_abandons: 0,
    let_go: 0,
    service_level: null,
    service_level_name: "SL(15)",
    service_level_s: 15,
    wait_warn_s: 15,
    wait_max_s: 60,
    counted_since: null,
    gap: false,
    ...changes,
  };
}

export function seat(changes: Partial<Seat> = {}): Seat {
  return {
    kind: "seat",
    pbx: "main",
    seat: "PJSIP/1001",
    label: "1001",
    group: "",
    place: null,
    agent: null,
    person: null,
    state: "available",
    since: null,
    queues: [],
    pause_reason: null,
    call: null,
    caller: null,
    queue: null,
    direction: null,
    clock: null,
    owed: [],
    trouble: "calm",
    gap: false,
    ...changes,
  };
}

/** China's cadence, two rings: warning at 5 s, breach at 10 s. */
export function ring(changes: Partial<SeatClock> = {}): SeatClock {
  return {
    rule: "ring",
    from: 1000,
    warn_at: 1005,
    breach_at: 1010,
    ring_cycle_s: 5,
    stopped: false,
    ...changes,
  };
}

export function alert(changes: Partial<Alert> = {}): Alert {
  return {
    kind: "alert",
    id: "s1",
    pbx: "main",
    at: 1000,
    level: "breach",
    rule: "hold",
    seat: "PJSIP/1001",
    agent: null,
    person: null,
    call: null,
    queue: null,
    to: [],
    value: null,
    limit: null,
    cleared_at: null,
    ...changes,
  };
}
