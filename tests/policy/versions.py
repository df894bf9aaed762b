"""Two versions of one policy that differ in every way: the shipped one, and one made for tests."""

from pathlib import Path
from typing import Final

from earwitness.policy import Policy, PolicySet
from earwitness.policy_files import read_policies
from earwitness.settings import ROOT

SECOND_VERSION: Final = Path(__file__).parent / "second_version"
"""A folder of policies that holds the second version alone."""

FIRST: Final[Policy] = read_policies(ROOT / "policies").policies[0]
SECOND: Final[Policy] = read_policies(SECOND_VERSION).policies[0]
BOTH: Final = PolicySet([FIRST, SECOND])
