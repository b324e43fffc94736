"""Step `engine`: the engine on this device, against the reference in its model card."""

from calibration.steps.outcome import Figure, Outcome, refused

STEP = "engine"


def measure(identity: str, agrees: bool, problem: str, fields_a_second: float, needed: float) -> Outcome:
    """The proof on the golden field, and whether the device is fast enough.

    Args:
        identity: Engine, runtime and device.
        agrees: Whether it gave the card's reference output within the card's bounds.
        problem: What was wrong, where it did not.
        fields_a_second: Measured.
        needed: What the scanner sends.
    """
    if not agrees:
        remedy = "Run `cytoedge engines check`; install the model again"
        return refused(STEP, "engine", identity, problem or "disagrees with its card", remedy)
    return Outcome(STEP, (Figure("fields a second", fields_a_second, 0, "1/s", needed),))
