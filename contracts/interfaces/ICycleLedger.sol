// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedger} from "./ILedger.sol";
import {Proof} from "./IUnitRegistry.sol";

/// @title ICycleLedger
/// @notice Sterilisation cycles: opened, ended, loaded and decided, with the shares that were
/// released. Machine times are claims and are never tested. A number is opened once per machine and
/// epoch, in whatever order the openings arrive.
interface ICycleLedger is ILedger {
    // ---------------------------------------------------------------- operations (EIP-712 structs)

    /// @notice A cycle begins.
    struct CycleOpening {
        bytes32 equipment; // the equipment id
        uint32 unit; // the unit that processes; must own the equipment
        uint32 epoch; // a counter epoch that the equipment is or was in
        uint64 number; // the machine's own cycle number, from 1
        uint64 startedAt; // the machine's claim, Unix seconds; 0 when not stated; never tested
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice An opening was a mistake. Only an opening with nothing after it is taken back.
    struct CycleVoid {
        bytes32 cycle; // the cycle id
        uint32 unit; // the unit that acts
        bytes32 opening; // digest of the opening that is taken back
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice A cycle's reading: what the machine reported and what we computed.
    struct CycleEnding {
        bytes32 cycle; // the cycle id
        uint32 unit; // the unit that acts
        uint8 outcome; // the machine's: 1 completed, 2 aborted, 3 unknown
        // computed against the profile named in the record: 1 passed, 2 failed, 3 not enough data,
        // 4 not computed
        uint8 verdict;
        uint64 endedAt; // the machine's claim, Unix seconds; 0 when not stated; never tested
        bytes32 replaces; // digest of the ending that this one supersedes; 0 for the first
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice One line of a load.
    struct ClassTotal {
        uint16 packageClass; // the class of packages
        uint32 quantity; // packages; 0 only where the class was declared before
    }

    /// @notice What a cycle contains. No declaration means "not declared", never zero.
    struct LoadDeclaration {
        bytes32 cycle; // the cycle id
        uint32 unit; // the unit that acts
        ClassTotal[] totals; // strictly ascending by class, 1 to 64
        bytes32 replaces; // digest of the declaration that this one supersedes; 0 for the first
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice Released packages of one class, by owner and payer.
    struct Share {
        uint32 owner; // unit that owns the packages
        uint32 payer; // unit that is charged
        uint16 packageClass; // the class of packages
        int32 delta; // packages, never 0
    }

    /// @notice A person's decision over a cycle.
    struct CycleDecision {
        bytes32 cycle; // the cycle id
        uint32 unit; // the unit that acts
        // 1 release, 2 release biological pending, 3 emergency release, 4 reject, 5 hold, 6 lift,
        // 7 recall, 8 correct
        uint8 kind;
        // digest of the ending that is judged: the current one, 0 when there is none
        bytes32 ending;
        bytes32 load; // digest of the load that is judged: the current one, 0 when there is none
        bytes32 replaces; // digest of the decision that this one supersedes; 0 for the first
        // strictly ascending by (owner, payer, class), 0 to 128; what they take back is applied before
        // what they add; closed units can only be taken back from
        Share[] shares;
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    // -------------------------------------------------------------------------------- stored state

    /// @notice What the ledger keeps of a cycle.
    struct Cycle {
        // The first slot. Of the opening's digest as much is kept as fits beside the rest: enough to tell
        // the same opening from another. The event has all of it.
        bytes23 opening; // the first 23 bytes of the latest opening's digest, also when it is void
        uint32 unit; // the unit that processes; 0 when the cycle is unknown, or void
        // 0 undecided, 1 released, 2 released with biological pending, 3 released in an emergency,
        // 4 rejected, 5 held, 6 released and held, 7 pending and held, 8 emergency and held, 9 recalled
        uint8 state;
        uint8 outcome; // of the current ending; 0 when there is none
        uint8 verdict; // of the current ending; 0 when there is none
        uint16 classes; // how many classes were ever declared
        // One slot each.
        bytes32 ending; // digest of the current ending; 0 when there is none
        bytes32 load; // digest of the current load declaration; 0 when there is none
        bytes32 decision; // digest of the latest decision; 0 when there is none
    }

    // -------------------------------------------------------------------------------------- events
    // One shape for all, see IOperationLog. `about` is the cycle id.

    /// @notice A cycle was opened, before its outcome was known or not: the record says.
    event CycleOpened(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        CycleOpening operation
    );
    /// @notice A cycle's opening was taken back; its number may be opened again.
    event CycleVoided(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        CycleVoid operation
    );
    /// @notice A cycle's ending was recorded or amended.
    event CycleEnded(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        CycleEnding operation
    );
    /// @notice A cycle's load was declared or amended.
    event LoadDeclared(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        LoadDeclaration operation
    );
    /// @notice A person decided over a cycle, and moved its shares.
    event CycleDecided(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        CycleDecision operation
    );

    // ---------------------------------------------------------------------------------- operations

    /// @notice Opens cycles of the unit's own machines. Needs the right OPEN.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function openCycles(CycleOpening[] calldata operations, Proof[] calldata signers) external;

    /// @notice Takes openings back that nothing follows. Needs the right OPEN.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function voidCycles(CycleVoid[] calldata operations, Proof[] calldata signers) external;

    /// @notice Records or amends endings. Needs the right RESULT.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function endCycles(CycleEnding[] calldata operations, Proof[] calldata signers) external;

    /// @notice Declares or amends loads. Needs the right LOAD.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function declareLoads(LoadDeclaration[] calldata operations, Proof[] calldata signers) external;

    /// @notice Decides over cycles, with the released shares. Needs the right DECIDE.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function decideCycles(CycleDecision[] calldata operations, Proof[] calldata signers) external;

    // --------------------------------------------------------------------------------------- views

    /// @notice Reverts unless the cycle is opened, and `unit`'s.
    /// @param digest the operation that needs it, for the error
    /// @param cycle the cycle id
    /// @param unit the unit that must have opened it
    function requireCycle(bytes32 digest, bytes32 cycle, uint32 unit) external view;

    /// @notice What is stored of a cycle.
    /// @param cycle the cycle id
    /// @return stored all zero when the cycle is unknown; unit 0 when its opening is void
    function getCycle(bytes32 cycle) external view returns (Cycle memory stored);

    /// @notice What is declared and what is released of one class.
    /// @param cycle the cycle id
    /// @param packageClass the class
    /// @return declared packages, by the current load declaration
    /// @return released packages, the sum of all recorded deltas; never above `declared`
    function getTotal(
        bytes32 cycle,
        uint16 packageClass
    ) external view returns (uint32 declared, uint32 released);
}
