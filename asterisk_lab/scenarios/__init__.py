"""All scenarios, by name."""

from ..stage import Scenario
from . import desk, ending, faults, holding, outbound, people, ringing, supervision, transfers

_MODULES = (ringing, holding, ending, transfers, outbound, people, desk, faults, supervision)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for module in _MODULES for scenario in module.SCENARIOS
}
