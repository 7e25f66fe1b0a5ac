"""All scenarios, by name."""

from ..stage import Scenario
from . import desk, ending, faults, holding, outbound, people, ringing, transfers

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for module in (ringing, holding, ending, transfers, outbound, people, desk, faults)
    for scenario in module.SCENARIOS
}
