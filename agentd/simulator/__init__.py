"""An embedded PBX that speaks AMI: what `agentd demo` shows and what benchmarks load.

`SimulatedPbx` serves it on a socket in real time; `render_recording` gives the same stream as
bytes in virtual time. Nothing here imports the rest of agentd.
"""

from agentd.simulator.config import DEFAULT_MIX, DEFAULT_QUEUES, Program, QueueSpec, SimConfig
from agentd.simulator.recording import render_recording, render_with_truth
from agentd.simulator.server import SimulatedPbx
from agentd.simulator.supervision import REDIRECT_CONTEXT
from agentd.simulator.truth import CallTruth, HoldTruth, LegTruth, Truth

__all__ = [
    "DEFAULT_MIX",
    "DEFAULT_QUEUES",
    "REDIRECT_CONTEXT",
    "CallTruth",
    "HoldTruth",
    "LegTruth",
    "Program",
    "QueueSpec",
    "SimConfig",
    "SimulatedPbx",
    "Truth",
    "render_recording",
    "render_with_truth",
]
