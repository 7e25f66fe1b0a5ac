"""All scenarios, by name."""

from ..stage import Scenario
from . import ending, faults, holding, outbound, people, ringing, transfers

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for module in (ringing, holding, ending, transfers, outbound, people, faults)
    for scenario in module.SCENARIOS
}
