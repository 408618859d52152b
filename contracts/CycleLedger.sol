// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "./interfaces/ICycleLedger.sol";
import {IUnitRegistry, Proof} from "./interfaces/IUnitRegistry.sol";
import {Ledger} from "./Ledger.sol";
import {Rights} from "./Rights.sol";

/// @title CycleLedger
/// @notice Records sterilisation cycles: opened, voided, ended, loaded and decided, with released shares.
contract CycleLedger is ICycleLedger, Ledger {
    // --------------------------------------------------------------------------------- constants

    bytes32 private constant CYCLE_TAG = keccak256("steriledger.cycle.v1");

    bytes32 private constant CYCLE_OPENING_TYPEHASH = keccak256(
        "CycleOpening(bytes32 equipment,uint32 unit,uint32 epoch,uint64 number,uint64 startedAt,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant CYCLE_VOID_TYPEHASH = keccak256(
        "CycleVoid(bytes32 cycle,uint32 unit,bytes32 opening,bytes32 record,bytes32 signedBy,uint64 signedAt)"
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

    // ----------------------------------------------------------------------------------- storage

    /// One class of one cycle's load.
    struct Total {
        uint32 declared; // packages, by the current declaration
        uint32 released; // packages, the sum of all recorded deltas
        bool known; // whether the class was ever declared for the cycle
    }

    mapping(bytes32 cycle => Cycle) private _cycles;
    mapping(bytes32 cycle => mapping(uint16 packageClass => Total)) private _totals;
    mapping(bytes32 opening => bytes32 digest) private _voids; // of the openings taken back

    // ------------------------------------------------------------------------------- constructor

    constructor(IUnitRegistry registry_) Ledger(registry_) {}

    // ------------------------------------------------------------------------ open, void and end

    /// @inheritdoc ICycleLedger
    function openCycles(CycleOpening[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _open(operations[i], signers[i]);
    }

    /// @inheritdoc ICycleLedger
    function voidCycles(CycleVoid[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _void(operations[i], signers[i]);
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
    function requireCycle(bytes32 digest, bytes32 cycle, uint32 unit) external view {
        _requireOwned(digest, "cycle", cycle, _cycles[cycle].unit, unit);
    }

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

    // ------------------------------------------------------------------------- internal: opening

    function _open(CycleOpening memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(CYCLE_OPENING_TYPEHASH, act));
        bytes32 id = keccak256(abi.encode(CYCLE_TAG, act.equipment, act.epoch, act.number));
        Cycle storage cycle = _cycles[id];
        bytes23 before = cycle.opening;
        if (before != 0) {
            if (before == bytes23(digest) || _voids[digest] != 0) return;
            require(cycle.unit == 0, AlreadyRecorded(digest, "cycle", id));
        }
        _requireRange(digest, "number", act.number, 1, type(uint64).max);
        registry.requireRight(digest, act.unit, act.signedBy, Rights.OPEN, act.signedAt, proof);
        registry.requireOwner(digest, act.equipment, act.unit, act.epoch);

        cycle.opening = bytes23(digest);
        cycle.unit = act.unit;
        emit CycleOpened(digest, id, act.unit, _advance(digest), act);
    }

    /// The opening's digest stays in the cycle, so that a first opening need not look for a void.
    function _void(CycleVoid memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(CYCLE_VOID_TYPEHASH, act));
        bytes32 opening = act.opening;
        bytes32 recorded = _voids[opening];
        if (recorded == digest) return;
        require(recorded == 0, AlreadyRecorded(digest, "opening", opening));
        Cycle storage cycle = _cycles[act.cycle];
        _requireOwned(digest, "cycle", act.cycle, cycle.unit, act.unit);
        registry.requireRight(digest, act.unit, act.signedBy, Rights.OPEN, act.signedAt, proof);
        bytes23 current = cycle.opening;
        require(bytes23(opening) == current, NotCurrent(digest, "opening", opening, current));
        require(cycle.ending == 0, NotAllowed(digest, "ending", uint256(cycle.ending)));
        require(cycle.load == 0, NotAllowed(digest, "load", uint256(cycle.load)));
        require(cycle.decision == 0, NotAllowed(digest, "decision", uint256(cycle.decision)));

        _voids[opening] = digest;
        cycle.unit = 0;
        emit CycleVoided(digest, act.cycle, act.unit, _advance(digest), act);
    }

    // -------------------------------------------------------------------------- internal: ending

    function _end(CycleEnding memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(CYCLE_ENDING_TYPEHASH, act));
        Cycle storage cycle = _cycles[act.cycle];
        bytes32 current = cycle.ending;
        if (_isRecorded(digest, current)) return;
        _requireOwned(digest, "cycle", act.cycle, cycle.unit, act.unit);
        registry.requireRight(digest, act.unit, act.signedBy, Rights.RESULT, act.signedAt, proof);
        _requireRange(digest, "outcome", act.outcome, 1, OUTCOMES);
        _requireRange(digest, "verdict", act.verdict, 1, VERDICTS);
        _supersede(digest, act.replaces, current);

        cycle.ending = digest;
        cycle.outcome = act.outcome;
        cycle.verdict = act.verdict;
        emit CycleEnded(digest, act.cycle, act.unit, _advance(digest), act);
    }

    // ---------------------------------------------------------------------------- internal: load

    function _declare(LoadDeclaration memory act, Proof calldata proof) private {
        bytes32 digest = _digestOf(act);
        Cycle storage cycle = _cycles[act.cycle];
        bytes32 current = cycle.load;
        if (_isRecorded(digest, current)) return;
        _requireOwned(digest, "cycle", act.cycle, cycle.unit, act.unit);
        registry.requireRight(digest, act.unit, act.signedBy, Rights.LOAD, act.signedAt, proof);
        _supersede(digest, act.replaces, current);

        cycle.load = digest;
        cycle.classes = _storeTotals(digest, _totals[act.cycle], cycle.classes, act.totals);
        emit LoadDeclared(digest, act.cycle, act.unit, _advance(digest), act);
    }

    /// Stores the declared quantities and returns how many classes are known afterwards.
    function _storeTotals(
        bytes32 digest,
        mapping(uint16 packageClass => Total) storage stored,
        uint16 knownBefore,
        ClassTotal[] memory totals
    ) private returns (uint16 known) {
        uint256 lines = totals.length;
        _requireRange(digest, "totals", lines, 1, MAX_TOTALS);
        uint16 added = 0;
        uint16 previous = 0;
        for (uint256 i = 0; i < lines; ++i) {
            uint16 packageClass = totals[i].packageClass;
            require(i == 0 || previous < packageClass, OutOfOrder(digest, "totals", i));
            previous = packageClass;
            if (_storeTotal(digest, stored[packageClass], totals[i].quantity)) ++added;
        }
        // An amendment lists every class that was ever declared.
        _requireRange(digest, "known classes", lines - added, knownBefore, knownBefore);
        return knownBefore + added;
    }

    /// Stores one declared quantity and returns whether its class is new to the cycle.
    function _storeTotal(
        bytes32 digest,
        Total storage total,
        uint32 quantity
    ) private returns (bool isNew) {
        isNew = !total.known;
        _requireRange(digest, "quantity", quantity, isNew ? 1 : total.released, type(uint32).max);
        total.declared = quantity;
        total.known = true;
    }

    // ------------------------------------------------------------------------ internal: decision

    function _decide(CycleDecision memory act, Proof calldata proof) private {
        bytes32 digest = _digestOf(act);
        Cycle storage cycle = _cycles[act.cycle];
        bytes32 current = cycle.decision;
        if (_isRecorded(digest, current)) return;
        _requireOwned(digest, "cycle", act.cycle, cycle.unit, act.unit);
        registry.requireRight(digest, act.unit, act.signedBy, Rights.DECIDE, act.signedAt, proof);
        _requireCurrent(digest, "ending", act.ending, cycle.ending);
        _requireCurrent(digest, "load", act.load, cycle.load);
        _supersede(digest, act.replaces, current);

        uint8 entry = _entry(digest, cycle.state, act.kind);
        uint8 next = entry & NEXT_STATE;
        (bool takesBack, bool adds) = _requireShares(digest, act.unit, entry, act.shares);
        bool makesUsable = entry & NEEDS_RELEASABLE != 0 || (adds && next <= LAST_RELEASED_STATE);
        if (makesUsable) _requireReleasable(digest, cycle);

        // What is taken back goes first: packages then move between the owners of a load that is
        // released in full.
        if (takesBack) _moveShares(digest, _totals[act.cycle], act.shares, false);
        if (adds) _moveShares(digest, _totals[act.cycle], act.shares, true);
        cycle.decision = digest;
        cycle.state = next;
        emit CycleDecided(digest, act.cycle, act.unit, _advance(digest), act);
    }

    /// Looks the decision up in the table; reverts when the state does not allow it.
    function _entry(bytes32 digest, uint8 state, uint8 kind) private pure returns (uint8 entry) {
        _requireRange(digest, "kind", kind, 1, KINDS);
        entry = uint8(DECISIONS[uint256(state) * KINDS + kind - 1]);
        require(entry != NOT_ALLOWED, NotAllowed(digest, "cycle", state));
    }

    /// Reverts unless the cycle completed, was not computed as failed, and has a declared load.
    function _requireReleasable(bytes32 digest, Cycle storage cycle) private view {
        uint8 outcome = cycle.outcome; // 0 before the ending
        require(outcome == OUTCOME_COMPLETED, NotAllowed(digest, "outcome", outcome));
        require(cycle.verdict != VERDICT_FAILED, NotAllowed(digest, "verdict", VERDICT_FAILED));
        require(cycle.load != 0, NotAllowed(digest, "load", 0));
    }

    /// Reverts unless the shares are as many as the decision takes, in order, of the right sign, and
    /// between units that they may name; returns whether any takes packages back, and any adds some.
    function _requireShares(
        bytes32 digest,
        uint32 unit,
        uint8 entry,
        Share[] memory shares
    ) private view returns (bool takesBack, bool adds) {
        bool onlyAdds = entry & NEEDS_ADDITIONS != 0;
        uint256 most = onlyAdds || entry & TAKES_SHARES != 0 ? MAX_SHARES : 0;
        _requireRange(digest, "shares", shares.length, onlyAdds ? 1 : 0, most);
        for (uint256 i = 0; i < shares.length; ++i) {
            Share memory share = shares[i];
            int32 delta = share.delta;
            require(i == 0 || _precedes(shares[i - 1], share), OutOfOrder(digest, "shares", i));
            require(
                delta > 0 || (delta < 0 && !onlyAdds),
                OutOfRange(digest, "delta", delta, 1, type(int32).max)
            );
            if (delta > 0) adds = true;
            else takesBack = true;
            _requireParties(digest, unit, share);
        }
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

    /// Applies the shares that add packages, or those that take them back. Of a class that was not
    /// declared, 0 packages are.
    function _moveShares(
        bytes32 digest,
        mapping(uint16 packageClass => Total) storage totals,
        Share[] memory shares,
        bool added
    ) private {
        for (uint256 i = 0; i < shares.length; ++i) {
            int32 delta = shares[i].delta;
            if (delta > 0 != added) continue;
            Total storage total = totals[shares[i].packageClass];
            int256 declared = int256(uint256(total.declared));
            int256 released = int256(uint256(total.released)) + delta;
            require(
                released >= 0 && released <= declared,
                OutOfRange(digest, "released", released, 0, declared)
            );
            total.released = uint32(uint256(released)); // at most `declared`, a uint32
        }
    }

    /// Strict order by (owner, payer, class).
    function _precedes(Share memory left, Share memory right) private pure returns (bool) {
        if (left.owner != right.owner) return left.owner < right.owner;
        if (left.payer != right.payer) return left.payer < right.payer;
        return left.packageClass < right.packageClass;
    }

    // ------------------------------------------------------------------------- internal: digests

    function _digestOf(LoadDeclaration memory act) private view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](act.totals.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(CLASS_TOTAL_TYPEHASH, act.totals[i]));
        }
        return
            _digest(
                abi.encode(
                    LOAD_DECLARATION_TYPEHASH,
                    act.cycle,
                    act.unit,
                    keccak256(abi.encodePacked(hashes)), // as EIP-712 encodes arrays
                    act.replaces,
                    act.record,
                    act.signedBy,
                    act.signedAt
                )
            );
    }

    function _digestOf(CycleDecision memory act) private view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](act.shares.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(SHARE_TYPEHASH, act.shares[i]));
        }
        return
            _digest(
                abi.encode(
                    CYCLE_DECISION_TYPEHASH,
                    act.cycle,
                    act.unit,
                    act.kind,
                    act.ending,
                    act.load,
                    act.replaces,
                    keccak256(abi.encodePacked(hashes)), // as EIP-712 encodes arrays
                    act.record,
                    act.signedBy,
                    act.signedAt
                )
            );
    }
}
