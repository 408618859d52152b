"""The words that several acts share, with the contracts' own numbers."""

from __future__ import annotations

from enum import IntEnum, IntFlag, StrEnum


class Contract(StrEnum):
    """The contracts that record operations."""

    UNIT_REGISTRY = "UnitRegistry"
    CYCLE_LEDGER = "CycleLedger"
    CUSTODY_LEDGER = "CustodyLedger"
    CONTRIBUTION_LEDGER = "ContributionLedger"
    WITNESSES = "Witnesses"


class Party(StrEnum):
    """The roles in which an operation is signed, in the order of the contract's arguments."""

    #: the consortium's own signer
    AUTHORITY = "authority"
    #: the signer named in `signedBy`
    SIGNER = "signer"
    #: the new key, which proves that it exists and agrees
    NEW_KEY = "new_key"
    #: the signer named in `countersignedBy`
    COUNTERSIGNER = "countersigner"


class Right(IntFlag):
    """What a signer may do; the bits are the contracts' own."""

    ADMINISTER = 1
    OPEN = 2
    LOAD = 4
    RESULT = 8
    DECIDE = 16
    DISPATCH = 32
    CARRY = 64
    RECEIVE = 128
    SETTLE = 256
    ERASE = 512
    SCAN = 1024
    REPORT = 2048
    ANSWER = 4096


class UnitRole(IntFlag):
    """What a unit is in the group; a unit may be several things."""

    PROCESSOR = 1
    USER = 2
    CARRIER = 4
    SUPPLIER = 8
    EXTERNAL_PROCESSOR = 16
    AUDITOR = 32


class Custody(IntEnum):
    """Who holds a signer's private key."""

    SERVER = 1
    STATION = 2
    DEVICE = 3
    HARDWARE = 4


class EquipmentKind(IntEnum):
    """What a machine is."""

    STERILIZER = 1
    WASHER_DISINFECTOR = 2


class EquipmentState(IntEnum):
    """Whether a machine is used; the numbers are the contract's own."""

    IN_SERVICE = 1
    OUT_OF_SERVICE = 2
    RETIRED = 3


class AssetKind(IntEnum):
    """What a shared thing with one custodian is."""

    LOANER_SET = 1
    SCOPE = 2
    ULTRASOUND = 3
    DRONE = 4
    OTHER = 5


class AssetCondition(IntEnum):
    """Whether an asset is used; the numbers are the contract's own."""

    IN_USE = 1
    #: in use, and other units may ask for it
    OFFERED = 2
    OUT_OF_SERVICE = 3
    LOST = 4
    SCRAPPED = 5


class Purpose(IntEnum):
    """Why one unit sends another something."""

    CLEAN = 1
    SOILED = 2
    LOAN = 3
    RETURN = 4
    RECALL = 5


class Leg(IntEnum):
    """How the leg went that a hand-over ends."""

    AS_PLANNED = 1
    DIVERTED = 2


class Outcome(IntEnum):
    """The machine's own word on its cycle."""

    COMPLETED = 1
    ABORTED = 2
    UNKNOWN = 3


class Verdict(IntEnum):
    """Ours, computed against a named profile."""

    PASSED = 1
    FAILED = 2
    NOT_ENOUGH_DATA = 3
    NOT_COMPUTED = 4


#: The monitoring results of a cycle.
RESULT_NAMES = (
    "physical",
    "chemical_external",
    "chemical_internal",
    "lumen_pcd",
    "biological",
    "bowie_dick",
)
#: How a monitoring result may stand; what nobody entered is `not_entered`, never a pass.
RESULT_WORDS = ("not_required", "not_entered", "pending", "pass", "fail", "invalid")
NOT_ENTERED = "not_entered"
#: Results that keep a load from being used.
BAD_RESULTS = frozenset({"fail", "invalid"})


class Beside(IntEnum):
    """What a further reading of a cycle is to the one that its ending rests on."""

    #: nothing in it speaks against the recorded one
    AGREES = 1
    #: it begins with all that the recorded one holds, and goes on, or says what was open there
    HOLDS_MORE = 2
    #: the recorded one begins with all that it holds
    HOLDS_LESS = 3
    CONTRADICTS = 4
