"""The group's November as its chain holds it: one lead hospital, eight units, a drone firm."""

from __future__ import annotations

from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.words import Purpose
from ledger.domain.statement.agreement import Agreement
from tests.domain.statement.chains import Chain, agreement

LEAD, DRONE = 1, 10
M1, M2, M3, M4, M5 = 2, 3, 4, 5, 6
B1, B2, P = 1, 2, 3
PENDING, RECALL = DecisionKind.RELEASE_BIOLOGICAL_PENDING, DecisionKind.RECALL
CORRECT, RELEASE = DecisionKind.CORRECT, DecisionKind.RELEASE


def november() -> tuple[Chain, Agreement]:
    """The events up to the end of the month, and the terms."""
    chain, terms = Chain(), agreement()
    chain.at("2026-11-01 09:00").admit(*range(1, 11))
    chain.terms(terms)
    chain.at("2026-11-02 16:00").release("S1 5101", (M5, M5, B1, 4))
    chain.at("2026-11-03 08:20")
    chain.decide("S1 5103", DecisionKind.EMERGENCY_RELEASE, (LEAD, LEAD, B2, 1))
    chain.at("2026-11-03 09:20")
    shares = tuple((unit, unit, B2, 8) for unit in (M1, M2, M3))
    chain.decide("S2 2241", PENDING, *shares)
    chain.decide("P1 0871", PENDING, (M4, M4, P, 6))
    _tours(chain)
    chain.at("2026-11-04 16:00").release("S2 2243", (LEAD, LEAD, B2, 20))
    chain.decide("P1 0871", RELEASE)
    chain.at("2026-11-05 08:05").decide("S1 5103", RELEASE)
    chain.decide("S1 5103", CORRECT, (LEAD, LEAD, B2, 3))
    chain.at("2026-11-05 09:10")
    chain.decide("S2 2241", RECALL, *((o, p, c, -n) for o, p, c, n in shares))
    chain.decide("S2 2243", RECALL, (LEAD, LEAD, B2, -20))
    chain.at("2026-11-08 10:00")
    chain.release(
        "S1 5109", (LEAD, LEAD, B2, 14), (M1, M1, B2, 6), (M2, M2, B2, 7), (M3, M3, B2, 6)
    )
    for flight in range(78):
        chain.at(f"2026-11-{9 + flight // 4:02d} {10 + flight % 4}:00")
        box = chain.dispatch(f"return {flight}", M1 + flight % 4, LEAD, Purpose.RETURN)
        chain.carry(box, DRONE, f"further flight {flight}")
        chain.keep(box, LEAD)
    return chain, terms


def _tours(chain: Chain) -> None:
    """Tuesday's consignments: the drone's three flights and the van's one tour."""
    chain.at("2026-11-03 10:00")
    k2 = chain.dispatch("K2", LEAD, M2, Purpose.CLEAN)
    k1 = chain.dispatch("K1", LEAD, M1, Purpose.CLEAN)
    chain.at("2026-11-03 10:05").carry(k2, DRONE, "D1")
    chain.at("2026-11-03 10:15").carry(k1, LEAD, "V1")
    k3 = chain.dispatch("K3", LEAD, M3, Purpose.CLEAN)
    chain.carry(k3, LEAD, "V1")
    chain.at("2026-11-03 10:22").divert(k2, DRONE)
    k4 = chain.at("2026-11-03 10:40").dispatch("K4", LEAD, M4, Purpose.CLEAN)
    chain.carry(k4, DRONE, "D2")
    k7 = chain.at("2026-11-03 10:50").dispatch("K7", M1, LEAD, Purpose.SOILED)
    chain.carry(k7, LEAD, "V1")
    chain.keep(k1, M1)
    k5 = chain.at("2026-11-03 11:10").dispatch("K5", M4, LEAD, Purpose.SOILED)
    chain.carry(k5, DRONE, "D3")
    chain.at("2026-11-03 11:25").keep(k3, M3)
    k8 = chain.at("2026-11-03 11:40").dispatch("K8", M3, LEAD, Purpose.RETURN)
    chain.carry(k8, LEAD, "V1")
    k6 = chain.at("2026-11-03 13:05").dispatch("K6", LEAD, M5, Purpose.CLEAN)
    chain.carry(k6, LEAD, "V1")
    chain.carry(k2, LEAD, "V1")
    chain.keep(k6, M5)
    chain.at("2026-11-03 14:50").keep(k2, M2)
