"""What happens when: callers arriving, seats taking breaks, and the telling first minute."""

from __future__ import annotations

from itertools import accumulate

from agentd.simulator.calls import incoming
from agentd.simulator.config import Program, SimConfig
from agentd.simulator.legs import Call
from agentd.simulator.model import PAUSE_REASONS, Queue, Seat
from agentd.simulator.outbound import click_to_dial, dialled_by_hand, direct
from agentd.simulator.pbx import Process, Steps, World

PAST_THE_QUEUES = {
    Program.DIRECT: direct,
    Program.DIALLED_BY_HAND: dialled_by_hand,
    Program.CLICK_TO_DIAL: click_to_dial,
}


def build(config: SimConfig, start_us: int) -> World:
    """A world with its traffic scheduled from `start_us` (µs since the epoch) on."""
    world = World(config, start_us)
    if config.opening:
        _opening(world)
    if config.rate > 0:
        world.spawn(lambda process: _arrivals(world))
    if config.break_every_s > 0:
        for seat in world.seats:
            if seat.manned:
                continue
            world.spawn(
                lambda process, seat=seat: _seat_life(world, seat),  # type: ignore[misc]
                world.rng.uniform(6.0, config.break_every_s * 2),
            )
    return world


def begin(world: World, call: Call, after_s: float = 0.0) -> None:
    """Let a queue call begin `after_s` from now."""

    def program(process: Process) -> Steps:
        call.process = process
        return incoming(world, call)

    world.spawn(program, after_s)


def fictitious_number(world: World) -> str:
    """A number of the 1380000 block, which documentation uses for examples."""
    return f"1380000{world.rng.randrange(10000):04d}"


def _arrivals(world: World) -> Steps:
    config, rng = world.config, world.rng
    queues = [queue for queue in world.queues if queue.members]
    # Four phones that ring together take one call at a time, and belong to other queues too.
    shares = list(
        accumulate(
            1 if queue.spec.strategy == "ringall" else len(queue.members) for queue in queues
        )
    )
    programs = [program for program, weight in config.mix.items() if weight > 0]
    weights = list(accumulate(config.mix[program] for program in programs))
    yield 1.0 if config.opening else 0.0
    while True:
        program = rng.choices(programs, cum_weights=weights)[0]
        start_call(world, program, rng.choices(queues, cum_weights=shares)[0])
        yield rng.expovariate(config.rate)


def start_call(world: World, program: Program, queue: Queue) -> None:
    """Begin a call now; one that needs a free seat at once becomes a queue call without one."""
    call = Call(world, program, fictitious_number(world), queue)
    seat = world.any_free_seat()
    steps = PAST_THE_QUEUES.get(program)
    if steps is None or seat is None:
        if steps is not None:
            call.program = Program.NORMAL
        begin(world, call)
        return
    call.queue = None
    world.take_seat(seat)
    call.process = world.spawn(lambda process: steps(world, call, seat))


def _opening(world: World) -> None:
    """Late answer, hold past its limit, early hang-up and a transfer, visible within 40 s."""
    first, last = world.queues[0], world.queues[min(1, len(world.queues) - 1)]
    script: list[tuple[float, Queue, Program, tuple[float, float, float | None]]] = [
        (0.1, first, Program.HOLD_BREACH, (1.4, 5.0, 36.0)),
        (0.3, last, Program.LATE_ANSWER, (12.5, 20.0, None)),
        (0.5, first, Program.AGENT_HANGS_UP, (2.5, 12.0, None)),
        (0.7, first, Program.NORMAL, (4.0, 30.0, None)),
        (0.9, last, Program.BLIND_TRANSFER, (3.0, 9.0, None)),
    ]
    # A room of few seats would spend its first minute on the script alone.
    for after_s, queue, program, fixed in script[: max(1, len(world.seats) // 2)]:
        call = Call(world, program, fictitious_number(world), queue)
        call.ring_s, call.talk_s, call.hold_s = fixed
        begin(world, call, after_s)


# -- what seats do besides calls ------------------------------------------------------------------


def _seat_life(world: World, seat: Seat) -> Steps:
    rng, config = world.rng, world.config
    # Until somebody real sits down there.
    while not seat.manned:
        if not seat.busy and seat.person is not None:
            if rng.random() < 0.7:
                pause(world, seat, rng.choice(PAUSE_REASONS))
                yield rng.uniform(8.0, 30.0)
                if not seat.manned:
                    unpause(world, seat)
            else:
                log_out(world, seat)
                yield rng.uniform(4.0, 15.0)
                if not seat.manned:
                    log_in(world, seat)
        yield rng.expovariate(1.0 / config.break_every_s) + 2.0


def pause(world: World, seat: Seat, reason: str) -> None:
    """The seat is paused in all its queues, with a reason."""

    def change() -> None:
        seat.paused = True
        seat.pause_reason = reason
        seat.last_pause = world.clock_us // 1_000_000

    world.membership_changed(seat, "QueueMemberPause", change, seat.members)


def unpause(world: World, seat: Seat) -> None:
    def change() -> None:
        seat.paused = False
        seat.pause_reason = ""

    world.membership_changed(seat, "QueueMemberPause", change, seat.members)


def log_out(world: World, seat: Seat) -> None:
    """The person leaves; the seat is a member of no queue until somebody signs in."""

    def change() -> None:
        if seat.person is not None:
            world.off_shift.append(seat.person)
        seat.person = None

    world.membership_changed(seat, "QueueMemberRemoved", change, seat.members)


def log_in(world: World, seat: Seat) -> None:
    """The person who has been away longest signs in, often another one than before."""

    def change() -> None:
        seat.person = world.off_shift.pop(0)
        seat.login_time = world.clock_us // 1_000_000
        seat.last_pause = 0
        for member in seat.members:
            member.calls_taken = member.last_call = 0

    world.membership_changed(seat, "QueueMemberAdded", change, seat.members)
