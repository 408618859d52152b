// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "./interfaces/ICycleLedger.sol";
import {IUnitRegistry, Proof} from "./interfaces/IUnitRegistry.sol";
import {Duties} from "./Duties.sol";
import {OperationLog} from "./OperationLog.sol";

/// @title CycleLedger
/// @notice Records sterilisation cycles: opened, ended, loaded and decided, with released shares.
contract CycleLedger is ICycleLedger, OperationLog {
    // --------------------------------------------------------------------------------- constants

    bytes32 private constant CYCLE_TAG = keccak256("steriledger.cycle.v1");

    bytes32 private constant CYCLE_OPENING_TYPEHASH = keccak256(
        "CycleOpening(bytes32 equipment,uint32 unit,uint32 epoch,uint64 number,uint64 startedAt,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant CYCLE_ENDING_TYPEHASH = keccak256(
        "CycleEnding(bytes32 cycle,uint32 unit,uint8 outcome,uint8 verdict,uint64 endedAt,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant CLASS_TOTAL_TYPEHASH = keccak256(
        "ClassTotal(uint16 packageClass,uint32 quantity)"
    );
    bytes32 private constant LOAD_DECLARATION_TYPEHASH = keccak256(
        "LoadDeclaration(bytes32 cycle,uint32 unit,ClassTotal[] totals,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)ClassTotal(uint16 packageClass,uint32 quantity)"
    );
    bytes32 private constant SHARE_TYPEHASH = keccak256(
        "Share(uint32 owner,uint32 payer,uint16 packageClass,int32 delta)"
    );
    bytes32 private constant CYCLE_DECISION_TYPEHASH = keccak256(
        "CycleDecision(bytes32 cycle,uint32 unit,uint8 kind,bytes32 ending,bytes32 load,bytes32 replaces,Share[] shares,bytes32 record,bytes32 signedBy,uint64 signedAt)Share(uint32 owner,uint32 payer,uint16 packageClass,int32 delta)"
    );

    uint256 private constant MAX_TOTALS = 64;
    uint256 private constant MAX_SHARES = 128;

    uint8 private constant OUTCOME_COMPLETED = 1;
    uint8 private constant OUTCOMES = 3;
    uint8 private constant VERDICT_FAILED = 2;
    uint8 private constant VERDICTS = 4;
    uint8 private constant KINDS = 8;

    /// The decision table: one row per state, one byte per kind. The low half of a byte is the next
    /// state; the high half says what the decision needs; 0xff is "not allowed".
    bytes private constant DECISIONS =
        // release, pending, emergency, reject, hold, lift, recall, correct
        hex"91_92_93_04_05_ff_ff_ff" // 0 undecided
        hex"ff_ff_ff_ff_06_ff_29_21" // 1 released
        hex"81_ff_ff_ff_07_ff_29_22" // 2 released, biological pending
        hex"81_ff_ff_ff_08_ff_29_23" // 3 released in an emergency
        hex"ff_ff_ff_ff_ff_ff_ff_00" // 4 rejected
        hex"ff_ff_ff_04_ff_00_ff_ff" // 5 held
        hex"ff_ff_ff_ff_ff_81_29_ff" // 6 released, held
        hex"ff_ff_ff_ff_ff_82_29_ff" // 7 pending, held
        hex"ff_ff_ff_ff_ff_83_29_ff" // 8 emergency, held
        hex"ff_ff_ff_ff_ff_ff_ff_29"; // 9 recalled
    uint8 private constant NOT_ALLOWED = 0xff;
    uint8 private constant NEXT_STATE = 0x0f;
    uint8 private constant NEEDS_RELEASABLE = 0x80; // a completed ending, not failed, and a load
    uint8 private constant TAKES_SHARES = 0x20; // any number of shares, of either sign
    uint8 private constant NEEDS_ADDITIONS = 0x10; // at least one share, and only positive ones
    uint8 private constant LAST_RELEASED_STATE = 3; // states 1 to 3 make packages usable

    // -------------------------------------------------------------------------------- immutables

    /// @inheritdoc ICycleLedger
    IUnitRegistry public immutable registry;

    // ----------------------------------------------------------------------------------- storage

    /// The newest opening of a machine. Epochs never fall, so one entry per machine is enough.
    struct Counter {
        uint32 epoch; // the epoch of the newest opening
        uint64 last; // its number; 0 when there is none
    }

    /// One class of one cycle's load.
    struct Total {
        uint32 declared; // packages, by the current declaration
        uint32 released; // packages, the sum of all recorded deltas
        bool known; // whether the class was ever declared for the cycle
    }

    mapping(bytes32 cycle => Cycle) private _cycles;
    mapping(bytes32 cycle => mapping(uint16 packageClass => Total)) private _totals;
    mapping(bytes32 equipment => Counter) private _counters;
    mapping(bytes32 digest => bool) private _superseded;

    // ------------------------------------------------------------------------------- constructor

    constructor(IUnitRegistry registry_) {
        require(address(registry_).code.length != 0, RegistryWithoutCode(address(registry_)));
        registry = registry_;
    }

    // ------------------------------------------------------------------------------ open and end

    /// @inheritdoc ICycleLedger
    function openCycles(CycleOpening[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _open(operations[i], signers[i]);
    }

    /// @inheritdoc ICycleLedger
    function endCycles(CycleEnding[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _end(operations[i], signers[i]);
    }

    // --------------------------------------------------------------------------- load and decide

    /// @inheritdoc ICycleLedger
    function declareLoads(
        LoadDeclaration[] calldata operations,
        Proof[] calldata signers
    ) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _declare(operations[i], signers[i]);
    }

    /// @inheritdoc ICycleLedger
    function decideCycles(CycleDecision[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _decide(operations[i], signers[i]);
    }

    // ------------------------------------------------------------------------------------- views

    /// @inheritdoc ICycleLedger
    function getCycle(bytes32 cycle) external view returns (Cycle memory stored) {
        return _cycles[cycle];
    }

    /// @inheritdoc ICycleLedger
    function getTotal(
        bytes32 cycle,
        uint16 packageClass
    ) external view returns (uint32 declared, uint32 released) {
        Total storage total = _totals[cycle][packageClass];
        return (total.declared, total.released);
    }

    /// @inheritdoc ICycleLedger
    function getCounter(bytes32 equipment) external view returns (uint32 epoch, uint64 last) {
        Counter storage counter = _counters[equipment];
        return (counter.epoch, counter.last);
    }

    // ------------------------------------------------------------------------- internal: opening

    function _open(CycleOpening memory operation, Proof calldata proof) private {
        bytes32 digest = _digest(operation);
        bytes32 id = keccak256(
            abi.encode(CYCLE_TAG, operation.equipment, operation.epoch, operation.number)
        );
        Cycle storage cycle = _cycles[id];
        bytes23 opening = bytes23(digest);
        if (cycle.unit != 0) {
            require(cycle.opening == opening, CycleConflict(digest, id));
            return;
        }
        require(operation.number != 0, NumberZero(digest));
        _requireDuty(
            digest,
            operation.unit,
            operation.signedBy,
            Duties.OPEN,
            operation.signedAt,
            proof
        );
        registry.requireInService(digest, operation.equipment, operation.unit, operation.epoch);

        uint64 last = _count(digest, operation);
        cycle.opening = opening;
        cycle.unit = operation.unit;
        _emitOpened(digest, id, operation, _advance(digest));
        if (last != 0 && operation.number > last + 1) {
            emit NumbersSkipped(
                digest,
                operation.equipment,
                operation.epoch,
                last + 1,
                operation.number - 1
            );
        }
    }

    /// Moves the machine's counter and returns the number before; 0 when the epoch had none.
    function _count(bytes32 digest, CycleOpening memory operation) private returns (uint64 last) {
        Counter storage counter = _counters[operation.equipment];
        uint32 epoch = operation.epoch;
        uint64 number = operation.number;
        last = counter.epoch == epoch ? counter.last : 0;
        require(number > last, NumberNotRising(digest, number, last));
        _counters[operation.equipment] = Counter({epoch: epoch, last: number});
    }

    function _emitOpened(
        bytes32 digest,
        bytes32 id,
        CycleOpening memory operation,
        bytes32 advanced
    ) private {
        emit CycleOpened(
            digest,
            id,
            operation.equipment,
            operation.unit,
            operation.epoch,
            operation.number,
            operation.startedAt,
            operation.record,
            operation.signedBy,
            operation.signedAt,
            advanced
        );
    }

    // -------------------------------------------------------------------------- internal: ending

    function _end(CycleEnding memory operation, Proof calldata proof) private {
        bytes32 digest = _digest(operation);
        Cycle storage cycle = _cycles[operation.cycle];
        bytes32 current = cycle.ending;
        if (_isRecorded(digest, current)) return;
        _requireOwner(digest, operation.cycle, cycle.unit, operation.unit);
        _requireDuty(
            digest,
            operation.unit,
            operation.signedBy,
            Duties.RESULT,
            operation.signedAt,
            proof
        );
        uint8 outcome = operation.outcome;
        uint8 verdict = operation.verdict;
        require(outcome != 0 && outcome <= OUTCOMES, OutcomeUnknown(digest, outcome));
        require(verdict != 0 && verdict <= VERDICTS, VerdictUnknown(digest, verdict));
        _supersede(digest, operation.replaces, current);

        cycle.ending = digest;
        cycle.outcome = outcome;
        cycle.verdict = verdict;
        emit CycleEnded(
            digest,
            operation.cycle,
            operation.unit,
            outcome,
            verdict,
            operation.endedAt,
            operation.replaces,
            operation.record,
            operation.signedBy,
            operation.signedAt,
            _advance(digest)
        );
    }

    // ---------------------------------------------------------------------------- internal: load

    function _declare(LoadDeclaration memory operation, Proof calldata proof) private {
        bytes32 digest = _digest(operation);
        Cycle storage cycle = _cycles[operation.cycle];
        bytes32 current = cycle.load;
        if (_isRecorded(digest, current)) return;
        _requireOwner(digest, operation.cycle, cycle.unit, operation.unit);
        _requireDuty(
            digest,
            operation.unit,
            operation.signedBy,
            Duties.LOAD,
            operation.signedAt,
            proof
        );
        _supersede(digest, operation.replaces, current);

        ClassTotal[] memory totals = operation.totals;
        cycle.load = digest;
        cycle.classes = _storeTotals(digest, _totals[operation.cycle], cycle.classes, totals);
        emit LoadDeclared(
            digest,
            operation.cycle,
            operation.unit,
            uint16(totals.length), // at most MAX_TOTALS
            operation.replaces,
            operation.record,
            operation.signedBy,
            operation.signedAt,
            _advance(digest)
        );
        _emitTotals(digest, operation.cycle, totals);
    }

    /// Stores the declared quantities and returns how many classes are known afterwards.
    function _storeTotals(
        bytes32 digest,
        mapping(uint16 packageClass => Total) storage stored,
        uint16 knownBefore,
        ClassTotal[] memory totals
    ) private returns (uint16 known) {
        uint256 lines = totals.length;
        require(lines != 0 && lines <= MAX_TOTALS, LinesOutOfRange(digest, lines, 1, MAX_TOTALS));
        uint16 added = 0;
        uint16 previous = 0;
        for (uint256 i = 0; i < lines; ++i) {
            uint16 packageClass = totals[i].packageClass;
            require(i == 0 || previous < packageClass, LinesNotAscending(digest, i));
            previous = packageClass;
            if (_storeTotal(digest, stored[packageClass], totals[i])) ++added;
        }
        require(lines - added == knownBefore, ClassesMissing(digest, lines - added, knownBefore));
        return knownBefore + added;
    }

    /// Stores one declared quantity and returns whether its class is new to the cycle.
    function _storeTotal(
        bytes32 digest,
        Total storage total,
        ClassTotal memory line
    ) private returns (bool isNew) {
        isNew = !total.known;
        uint32 released = total.released;
        uint32 quantity = line.quantity;
        require(!isNew || quantity != 0, QuantityZero(digest, line.packageClass));
        require(
            quantity >= released,
            TotalBelowReleased(digest, line.packageClass, quantity, released)
        );
        total.declared = quantity;
        total.known = true;
    }

    function _emitTotals(bytes32 digest, bytes32 cycle, ClassTotal[] memory totals) private {
        for (uint256 i = 0; i < totals.length; ++i) {
            emit LoadTotalDeclared(digest, cycle, totals[i].packageClass, totals[i].quantity);
        }
    }

    // ------------------------------------------------------------------------ internal: decision

    function _decide(CycleDecision memory operation, Proof calldata proof) private {
        Share[] memory shares = operation.shares;
        bytes32 digest = _digest(operation);
        Cycle storage cycle = _cycles[operation.cycle];
        bytes32 current = cycle.decision;
        if (_isRecorded(digest, current)) return;
        _requireOwner(digest, operation.cycle, cycle.unit, operation.unit);
        _requireDuty(
            digest,
            operation.unit,
            operation.signedBy,
            Duties.DECIDE,
            operation.signedAt,
            proof
        );
        _requireCurrent(digest, operation.ending, cycle.ending);
        _requireCurrent(digest, operation.load, cycle.load);
        _supersede(digest, operation.replaces, current);

        uint8 entry = _entry(digest, cycle.state, operation.kind);
        uint8 next = entry & NEXT_STATE;
        (bool takesBack, bool adds) = _requireShares(digest, operation.unit, entry, shares);
        bool makesUsable = entry & NEEDS_RELEASABLE != 0 || (adds && next <= LAST_RELEASED_STATE);
        if (makesUsable) _requireReleasable(digest, cycle);

        // What is taken back goes first: packages then move between the owners of a load that is
        // released in full.
        if (takesBack) _moveShares(digest, _totals[operation.cycle], shares, false);
        if (adds) _moveShares(digest, _totals[operation.cycle], shares, true);
        cycle.decision = digest;
        cycle.state = next;
        _emitDecided(digest, operation, next, _advance(digest));
        _emitShares(digest, operation.cycle, shares);
    }

    /// Looks the decision up in the table; reverts when the state does not allow it.
    function _entry(bytes32 digest, uint8 state, uint8 kind) private pure returns (uint8 entry) {
        require(kind != 0 && kind <= KINDS, KindUnknown(digest, kind));
        entry = uint8(DECISIONS[uint256(state) * KINDS + kind - 1]);
        require(entry != NOT_ALLOWED, DecisionNotAllowed(digest, state, kind));
    }

    /// Reverts unless the cycle completed, was not computed as failed, and has a declared load.
    function _requireReleasable(bytes32 digest, Cycle storage cycle) private view {
        require(cycle.ending != 0, NotEnded(digest));
        require(cycle.outcome == OUTCOME_COMPLETED, NotCompleted(digest, cycle.outcome));
        require(cycle.verdict != VERDICT_FAILED, VerdictFailed(digest));
        require(cycle.load != 0, LoadNotDeclared(digest));
    }

    /// Reverts unless the shares are as many as the decision takes, in order, of the right sign, and
    /// between units that they may name; returns whether any takes packages back, and any adds some.
    function _requireShares(
        bytes32 digest,
        uint32 unit,
        uint8 entry,
        Share[] memory shares
    ) private view returns (bool takesBack, bool adds) {
        _requireLines(digest, entry, shares.length);
        for (uint256 i = 0; i < shares.length; ++i) {
            Share memory share = shares[i];
            int32 delta = share.delta;
            require(i == 0 || _precedes(shares[i - 1], share), LinesNotAscending(digest, i));
            require(delta != 0, DeltaZero(digest, i));
            if (delta > 0) adds = true;
            else {
                require(entry & NEEDS_ADDITIONS == 0, DeltaNotPositive(digest, i, delta));
                takesBack = true;
            }
            _requireParties(digest, unit, share);
        }
    }

    function _requireLines(bytes32 digest, uint8 entry, uint256 lines) private pure {
        require(lines <= MAX_SHARES, LinesOutOfRange(digest, lines, 0, MAX_SHARES));
        if (entry & NEEDS_ADDITIONS != 0) require(lines != 0, SharesMissing(digest));
        else if (entry & TAKES_SHARES == 0) require(lines == 0, SharesNotAllowed(digest, lines));
    }

    /// The acting unit needs no second look: its signer was accepted for it.
    function _requireParties(bytes32 digest, uint32 unit, Share memory share) private view {
        uint32 owner = share.owner;
        uint32 payer = share.payer;
        bool adds = share.delta > 0;
        if (owner != unit) _requireParty(digest, owner, adds);
        if (payer != unit && payer != owner) _requireParty(digest, payer, adds);
    }

    /// A closed unit is given nothing more, but what it was given can still be taken back.
    function _requireParty(bytes32 digest, uint32 party, bool adds) private view {
        if (adds) registry.requireAdmitted(digest, party);
        else registry.requireKnown(digest, party);
    }

    /// Applies the shares that add packages, or those that take them back.
    function _moveShares(
        bytes32 digest,
        mapping(uint16 packageClass => Total) storage totals,
        Share[] memory shares,
        bool added
    ) private {
        for (uint256 i = 0; i < shares.length; ++i) {
            int32 delta = shares[i].delta;
            uint16 packageClass = shares[i].packageClass;
            if (delta > 0 != added) continue;
            _moveShare(digest, totals[packageClass], packageClass, delta);
        }
    }

    function _moveShare(
        bytes32 digest,
        Total storage total,
        uint16 packageClass,
        int32 delta
    ) private {
        uint32 declared = total.declared;
        require(total.known, ClassNotDeclared(digest, packageClass));
        int256 released = int256(uint256(total.released)) + delta;
        require(
            released >= 0 && released <= int256(uint256(declared)),
            ReleasedOutOfRange(digest, packageClass, released, declared)
        );
        total.released = uint32(uint256(released)); // at most `declared`, a uint32
    }

    function _emitDecided(
        bytes32 digest,
        CycleDecision memory operation,
        uint8 state,
        bytes32 advanced
    ) private {
        emit CycleDecided(
            digest,
            operation.cycle,
            operation.unit,
            operation.kind,
            state,
            uint16(operation.shares.length), // at most MAX_SHARES
            operation.ending,
            operation.load,
            operation.replaces,
            operation.record,
            operation.signedBy,
            operation.signedAt,
            advanced
        );
    }

    function _emitShares(bytes32 digest, bytes32 cycle, Share[] memory shares) private {
        for (uint256 i = 0; i < shares.length; ++i) {
            emit ShareRecorded(
                digest,
                cycle,
                shares[i].owner,
                shares[i].payer,
                shares[i].packageClass,
                shares[i].delta
            );
        }
    }

    /// Strict order by (owner, payer, class).
    function _precedes(Share memory left, Share memory right) private pure returns (bool) {
        if (left.owner != right.owner) return left.owner < right.owner;
        if (left.payer != right.payer) return left.payer < right.payer;
        return left.packageClass < right.packageClass;
    }

    // -------------------------------------------------------------------------- internal: guards

    function _requireDuty(
        bytes32 digest,
        uint32 unit,
        bytes32 signedBy,
        uint32 duty,
        uint64 signedAt,
        Proof calldata proof
    ) private view {
        registry.requireDuty(digest, unit, signedBy, duty, signedAt, proof);
    }

    function _requireOwner(bytes32 digest, bytes32 cycle, uint32 owner, uint32 unit) private pure {
        require(owner != 0, CycleUnknown(digest, cycle));
        require(owner == unit, CycleOfOtherUnit(digest, cycle, owner));
    }

    /// Whether the digest is the current one of its kind, or was.
    function _isRecorded(bytes32 digest, bytes32 current) private view returns (bool) {
        return current == digest || (current != 0 && _superseded[digest]);
    }

    /// Reverts unless the named digest is the current one.
    function _requireCurrent(bytes32 digest, bytes32 named, bytes32 current) private view {
        if (named == current) return;
        require(named == 0 || _superseded[named], PredecessorUnknown(digest, named));
        revert NotCurrent(digest, named, current);
    }

    /// Reverts unless `replaces` is the current digest; remembers that it no longer is.
    function _supersede(bytes32 digest, bytes32 replaces, bytes32 current) private {
        _requireCurrent(digest, replaces, current);
        if (current != 0) _superseded[current] = true;
    }

    // ------------------------------------------------------------------------- internal: digests

    function _digest(CycleOpening memory operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CYCLE_OPENING_TYPEHASH, operation)));
    }

    function _digest(CycleEnding memory operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CYCLE_ENDING_TYPEHASH, operation)));
    }

    function _digest(LoadDeclaration memory operation) internal view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](operation.totals.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(CLASS_TOTAL_TYPEHASH, operation.totals[i]));
        }
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        LOAD_DECLARATION_TYPEHASH,
                        operation.cycle,
                        operation.unit,
                        keccak256(abi.encodePacked(hashes)), // as EIP-712 encodes arrays
                        operation.replaces,
                        operation.record,
                        operation.signedBy,
                        operation.signedAt
                    )
                )
            );
    }

    function _digest(CycleDecision memory operation) internal view returns (bytes32) {
        Share[] memory shares = operation.shares;
        bytes32[] memory hashes = new bytes32[](shares.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(SHARE_TYPEHASH, shares[i]));
        }
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        CYCLE_DECISION_TYPEHASH,
                        operation.cycle,
                        operation.unit,
                        operation.kind,
                        operation.ending,
                        operation.load,
                        operation.replaces,
                        keccak256(abi.encodePacked(hashes)), // as EIP-712 encodes arrays
                        operation.record,
                        operation.signedBy,
                        operation.signedAt
                    )
                )
            );
    }
}
