// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOperationLog} from "./IOperationLog.sol";
import {IUnitRegistry, Proof} from "./IUnitRegistry.sol";

/// @title ICycleLedger
/// @notice Sterilisation cycles: opened, ended, loaded and decided, with the shares that were
/// released. Machine times are claims and are never tested; numbers of one machine and epoch rise.
interface ICycleLedger is IOperationLog {
    // ---------------------------------------------------------------- operations (EIP-712 structs)

    /// @notice A cycle begins.
    struct CycleOpening {
        bytes32 equipment; // the equipment id
        uint32 unit; // the unit that processes; must own the equipment
        uint32 epoch; // the equipment's counter epoch
        uint64 number; // the machine's own cycle number; rises within an epoch
        uint64 startedAt; // the machine's claim, Unix seconds; 0 when not stated; never tested
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
        // The first slot. Nothing names an opening by its digest, so what fits beside the rest is
        // kept of it: enough to tell the same opening from another. The event has all of it.
        bytes23 opening; // the first 23 bytes of the opening's digest
        uint32 unit; // the unit that processes; 0 when the cycle is unknown
        uint8 state; // decision state, see CycleDecided
        uint8 outcome; // of the current ending; 0 when there is none
        uint8 verdict; // of the current ending; 0 when there is none
        uint16 classes; // how many classes were ever declared
        // One slot each.
        bytes32 ending; // digest of the current ending; 0 when there is none
        bytes32 load; // digest of the current load declaration; 0 when there is none
        bytes32 decision; // digest of the latest decision; 0 when there is none
    }

    // -------------------------------------------------------------------------------------- errors
    // `digest` names the refused operation. Retry classes: wait (a predecessor may still arrive),
    // refuse (it will never be accepted), stop (our own deployment or encoding is wrong). What the
    // registry refuses reverts with the registry's error.

    /// @notice There is no contract at the registry's address. Retry class: stop.
    /// @param registry the address that was given
    error RegistryWithoutCode(address registry);

    /// @notice No such cycle is opened. Retry class: wait.
    /// @param digest the refused operation
    /// @param cycle the cycle id
    error CycleUnknown(bytes32 digest, bytes32 cycle);
    /// @notice The cycle is another unit's. Retry class: refuse.
    /// @param digest the refused operation
    /// @param cycle the cycle id
    /// @param owner the unit that it belongs to
    error CycleOfOtherUnit(bytes32 digest, bytes32 cycle, uint32 owner);
    /// @notice The cycle was opened by another digest. Retry class: refuse.
    /// @param digest the refused operation
    /// @param cycle the cycle id
    error CycleConflict(bytes32 digest, bytes32 cycle);
    /// @notice Cycle numbers start at 1. Retry class: refuse.
    /// @param digest the refused operation
    error NumberZero(bytes32 digest);
    /// @notice Numbers of one machine and epoch must rise. Retry class: refuse.
    /// @param digest the refused operation
    /// @param number the refused number
    /// @param last the last accepted number
    error NumberNotRising(bytes32 digest, uint64 number, uint64 last);

    /// @notice Outcome is 1 to 3. Retry class: refuse.
    /// @param digest the refused operation
    /// @param outcome the offending value
    error OutcomeUnknown(bytes32 digest, uint8 outcome);
    /// @notice Verdict is 1 to 4. Retry class: refuse.
    /// @param digest the refused operation
    /// @param verdict the offending value
    error VerdictUnknown(bytes32 digest, uint8 verdict);

    /// @notice Too few or too many lines. Retry class: refuse.
    /// @param digest the refused operation
    /// @param lines how many there are
    /// @param least the fewest allowed
    /// @param most the most allowed
    error LinesOutOfRange(bytes32 digest, uint256 lines, uint256 least, uint256 most);
    /// @notice Line `index` does not come after the line before it. Retry class: refuse.
    /// @param digest the refused operation
    /// @param index of the line, from 0
    error LinesNotAscending(bytes32 digest, uint256 index);
    /// @notice A class that is declared for the first time needs a quantity. Retry class: refuse.
    /// @param digest the refused operation
    /// @param packageClass the class
    error QuantityZero(bytes32 digest, uint16 packageClass);
    /// @notice An amendment must list every class ever declared. Retry class: refuse.
    /// @param digest the refused operation
    /// @param listed how many known classes the declaration lists
    /// @param declared how many it has to list
    error ClassesMissing(bytes32 digest, uint256 listed, uint256 declared);
    /// @notice A total must not fall below what is released. Retry class: refuse.
    /// @param digest the refused operation
    /// @param packageClass the class
    /// @param quantity the refused total
    /// @param released packages
    error TotalBelowReleased(bytes32 digest, uint16 packageClass, uint32 quantity, uint32 released);

    /// @notice Decision kind is 1 to 8. Retry class: refuse.
    /// @param digest the refused operation
    /// @param kind the offending value
    error KindUnknown(bytes32 digest, uint8 kind);
    /// @notice The cycle's state does not allow this decision. Retry class: refuse.
    /// @param digest the refused operation
    /// @param state the cycle's state
    /// @param kind the refused decision
    error DecisionNotAllowed(bytes32 digest, uint8 state, uint8 kind);
    /// @notice The cycle's ending is not recorded, so it cannot be released. Retry class: refuse.
    /// @param digest the refused operation
    error NotEnded(bytes32 digest);
    /// @notice The machine did not report the cycle as completed. Retry class: refuse.
    /// @param digest the refused operation
    /// @param outcome of the current ending
    error NotCompleted(bytes32 digest, uint8 outcome);
    /// @notice The computed verdict is "failed". Retry class: refuse.
    /// @param digest the refused operation
    error VerdictFailed(bytes32 digest);
    /// @notice No load is declared, so nothing can be released. Retry class: refuse.
    /// @param digest the refused operation
    error LoadNotDeclared(bytes32 digest);
    /// @notice This decision moves no packages, so it takes no shares. Retry class: refuse.
    /// @param digest the refused operation
    /// @param lines how many there are
    error SharesNotAllowed(bytes32 digest, uint256 lines);
    /// @notice A first release needs at least one share. Retry class: refuse.
    /// @param digest the refused operation
    error SharesMissing(bytes32 digest);
    /// @notice A share of nothing. Retry class: refuse.
    /// @param digest the refused operation
    /// @param index of the line, from 0
    error DeltaZero(bytes32 digest, uint256 index);
    /// @notice A first release only adds. Retry class: refuse.
    /// @param digest the refused operation
    /// @param index of the line, from 0
    /// @param delta the refused value
    error DeltaNotPositive(bytes32 digest, uint256 index, int32 delta);
    /// @notice The class is not among the declared totals. Retry class: refuse.
    /// @param digest the refused operation
    /// @param packageClass the class
    error ClassNotDeclared(bytes32 digest, uint16 packageClass);
    /// @notice The released quantity would fall below 0 or exceed the total. Retry class: refuse.
    /// @param digest the refused operation
    /// @param packageClass the class
    /// @param released packages, if it were accepted
    /// @param declared the declared total
    error ReleasedOutOfRange(bytes32 digest, uint16 packageClass, int256 released, uint32 declared);

    // -------------------------------------------------------------------------------------- events

    /// @notice A cycle was opened, before its outcome was known or not: the record says.
    /// @param digest the operation's EIP-712 digest
    /// @param cycle the cycle id
    /// @param equipment the equipment id
    /// @param unit the unit's number
    /// @param epoch the counter epoch
    /// @param number the machine's own cycle number
    /// @param startedAt the machine's claim, Unix seconds; 0 when not stated
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the key that signed for the unit
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event CycleOpened(
        bytes32 indexed digest,
        bytes32 indexed cycle,
        bytes32 indexed equipment,
        uint32 unit,
        uint32 epoch,
        uint64 number,
        uint64 startedAt,
        bytes32 record,
        bytes32 signedBy,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice Numbers of this machine and epoch were passed over; they can no longer be opened.
    /// @param digest digest of the opening that passed them over
    /// @param equipment the equipment id
    /// @param epoch the counter epoch
    /// @param first the first number that was passed over
    /// @param last the last number that was passed over
    event NumbersSkipped(
        bytes32 indexed digest,
        bytes32 indexed equipment,
        uint32 epoch,
        uint64 first,
        uint64 last
    );
    /// @notice A cycle's ending was recorded or amended.
    /// @param digest the operation's EIP-712 digest
    /// @param cycle the cycle id
    /// @param unit the unit's number
    /// @param outcome the machine's, see CycleEnding
    /// @param verdict the computed one, see CycleEnding
    /// @param endedAt the machine's claim, Unix seconds; 0 when not stated
    /// @param replaces digest of the operation that this one supersedes; 0 when there is none
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the key that signed for the unit
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event CycleEnded(
        bytes32 indexed digest,
        bytes32 indexed cycle,
        uint32 unit,
        uint8 outcome,
        uint8 verdict,
        uint64 endedAt,
        bytes32 replaces,
        bytes32 record,
        bytes32 signedBy,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice A cycle's load was declared or amended. One LoadTotalDeclared per line follows.
    /// @param digest the operation's EIP-712 digest
    /// @param cycle the cycle id
    /// @param unit the unit's number
    /// @param lines how many lines follow, one event each
    /// @param replaces digest of the operation that this one supersedes; 0 when there is none
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the key that signed for the unit
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event LoadDeclared(
        bytes32 indexed digest,
        bytes32 indexed cycle,
        uint32 unit,
        uint16 lines,
        bytes32 replaces,
        bytes32 record,
        bytes32 signedBy,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice One line of the declared load.
    /// @param digest the operation's EIP-712 digest
    /// @param cycle the cycle id
    /// @param packageClass the class of packages
    /// @param quantity packages declared
    event LoadTotalDeclared(
        bytes32 indexed digest,
        bytes32 indexed cycle,
        uint16 packageClass,
        uint32 quantity
    );
    /// @notice A person decided over a cycle. One ShareRecorded per line follows.
    /// @param digest the operation's EIP-712 digest
    /// @param cycle the cycle id
    /// @param unit the unit's number
    /// @param kind see CycleDecision
    /// @param state the cycle's state after the decision: 0 undecided, 1 released, 2 released with
    /// biological pending, 3 released in an emergency, 4 rejected, 5 held, 6 released and held, 7
    /// pending and held, 8 emergency and held, 9 recalled
    /// @param lines how many lines follow, one event each
    /// @param ending digest of the ending that was judged; 0 when there was none
    /// @param load digest of the load that was judged; 0 when there was none
    /// @param replaces digest of the decision that this one supersedes; 0 for the first
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the key that signed for the unit
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event CycleDecided(
        bytes32 indexed digest,
        bytes32 indexed cycle,
        uint32 unit,
        uint8 kind,
        uint8 state,
        uint16 lines,
        bytes32 ending,
        bytes32 load,
        bytes32 replaces,
        bytes32 record,
        bytes32 signedBy,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice Packages were released, or taken back when the delta is negative.
    /// @param digest the operation's EIP-712 digest
    /// @param cycle the cycle id
    /// @param owner unit that owns the packages
    /// @param payer unit that is charged
    /// @param packageClass the class of packages
    /// @param delta packages, never 0
    event ShareRecorded(
        bytes32 indexed digest,
        bytes32 indexed cycle,
        uint32 indexed owner,
        uint32 payer,
        uint16 packageClass,
        int32 delta
    );

    // ---------------------------------------------------------------------------------- operations

    /// @notice Opens cycles of machines that are in service. Needs the duty OPEN.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function openCycles(CycleOpening[] calldata operations, Proof[] calldata signers) external;

    /// @notice Records or amends endings. Needs the duty RESULT.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function endCycles(CycleEnding[] calldata operations, Proof[] calldata signers) external;

    /// @notice Declares or amends loads. Needs the duty LOAD.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function declareLoads(LoadDeclaration[] calldata operations, Proof[] calldata signers) external;

    /// @notice Decides over cycles, with the released shares. Needs the duty DECIDE.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function decideCycles(CycleDecision[] calldata operations, Proof[] calldata signers) external;

    // --------------------------------------------------------------------------------------- views

    /// @notice The registry that this ledger asks about units, signers and machines.
    /// @return its address
    function registry() external view returns (IUnitRegistry);

    /// @notice What is stored of a cycle.
    /// @param cycle the cycle id
    /// @return stored all zero when the cycle is unknown
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

    /// @notice The counter of a machine, as far as this ledger has seen it.
    /// @param equipment the equipment id
    /// @return epoch the epoch of the last recorded opening
    /// @return last the number of the last recorded opening; 0 when there is none
    function getCounter(bytes32 equipment) external view returns (uint32 epoch, uint64 last);
}
