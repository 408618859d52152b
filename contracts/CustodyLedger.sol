// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICustodyLedger} from "./interfaces/ICustodyLedger.sol";
import {IUnitRegistry, Proof} from "./interfaces/IUnitRegistry.sol";
import {Ledger} from "./Ledger.sol";
import {Rights} from "./Rights.sol";

/// @title CustodyLedger
/// @notice Records who has what: consignments in hand-overs and take-overs, and assets.
contract CustodyLedger is ICustodyLedger, Ledger {
    // --------------------------------------------------------------------------------- constants

    bytes32 private constant ASSET_TAG = keccak256("steriledger.asset.v1");
    bytes32 private constant CONSIGNMENT_TAG = keccak256("steriledger.consignment.v1");

    bytes32 private constant ASSET_REGISTRATION_TYPEHASH = keccak256(
        "AssetRegistration(uint32 unit,bytes32 code,uint8 kind,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant ASSET_CHANGE_TYPEHASH = keccak256(
        "AssetChange(bytes32 asset,uint32 unit,uint8 state,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant DISPATCH_TYPEHASH = keccak256(
        "Dispatch(uint32 unit,bytes32 slip,uint32 receiver,uint8 purpose,uint16 packages,bytes32 asset,uint32 taker,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant HAND_OVER_TYPEHASH = keccak256(
        "HandOver(bytes32 consignment,uint32 unit,uint32 taker,uint8 leg,uint16 step,bytes32 previous,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant TAKE_OVER_TYPEHASH = keccak256(
        "TakeOver(bytes32 consignment,uint32 unit,uint8 outcome,uint16 step,bytes32 previous,uint16 seen,uint16 inferred,uint16 refused,uint16 extra,bytes32 asset,bytes32 trip,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant DISPOSITION_TYPEHASH = keccak256(
        "Disposition(bytes32 consignment,uint32 unit,uint8 kind,uint32 receiver,uint16 step,bytes32 previous,bytes32 asset,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant CLOSED_UNIT_DISPOSITION_TYPEHASH = keccak256(
        "ClosedUnitDisposition(bytes32 consignment,uint32 unit,uint8 kind,uint32 receiver,uint16 step,bytes32 previous,bytes32 asset,bytes32 record,uint64 signedAt)"
    );

    uint8 private constant ASSET_KINDS = 5;
    uint8 private constant ASSET_STATES = 5;
    uint8 private constant PURPOSES = 5;
    uint8 private constant LEGS = 2;
    uint8 private constant OUTCOMES = 4;
    uint8 private constant DISPOSITIONS = 4;

    // Asset states; up to `offered` an asset travels.
    uint8 private constant IN_USE = 1;
    uint8 private constant OFFERED_TO_OTHERS = 2;
    uint8 private constant SCRAPPED = 5;
    // Consignment states; 3 received, 4 cancelled and 6 returned are the ends, 5 is lost.
    uint8 private constant OFFERED = 1;
    uint8 private constant HELD = 2;

    // Steps, the rows of the table: the hand-over, then the outcomes of a take-over by their numbers,
    // then the dispositions by theirs.
    uint8 private constant HAND_OVER = 0;
    uint8 private constant KEEP = 2;
    uint8 private constant KEEP_WITHOUT_ASSET = 3;
    uint8 private constant REFUSE = 4;
    uint8 private constant CANCEL = 5;
    uint8 private constant REROUTE = 6;

    // Parts that a unit has in a consignment.
    uint8 private constant GIVER = 1;
    uint8 private constant RECEIVER = 2;
    uint8 private constant HOLDER = 4;
    uint8 private constant TAKER = 8;

    /// The table of steps: for each two ways to take it, the first whose parts fit is the one. A way is
    /// five bytes: the parts that the unit needs, those that it must lack, the states from which (a bit
    /// each: 02 offered, 04 held, 20 lost), the state to which (00: the same), and the right.
    bytes private constant STEPS =
        hex"0500060120_0400060140" // 0 hand over: the giver who holds it; any other holder
        hex"0800020240_0800020240" // 1 carry: the taker
        hex"0200260380_0104260680" // 2 keep: the receiver; the giver who does not hold it
        hex"0200260380_0104260680" // 3 keep without the asset: likewise
        hex"0200020280_0800020240" // 4 refuse: the receiver; the taker
        hex"0500060420_0500060420" // 5 cancel: the giver who holds it
        hex"0100260020_0100260020" // 6 re-route: the giver
        hex"0104060520_0401060540" // 7 lost: the giver who does not hold it; the holder
        hex"0104200220_0401200240"; // 8 found: likewise
    uint256 private constant WAY = 5;

    // ----------------------------------------------------------------------------------- storage

    mapping(bytes32 consignment => Consignment) private _consignments;
    mapping(bytes32 asset => Asset) private _assets;

    // ------------------------------------------------------------------------------- constructor

    constructor(IUnitRegistry registry_) Ledger(registry_) {}

    // ------------------------------------------------------------------------------------ assets

    /// @inheritdoc ICustodyLedger
    function registerAssets(
        AssetRegistration[] calldata operations,
        Proof[] calldata signers
    ) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _register(operations[i], signers[i]);
    }

    /// @inheritdoc ICustodyLedger
    function changeAssets(AssetChange[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _change(operations[i], signers[i]);
    }

    // ------------------------------------------------------------------------------ consignments

    /// @inheritdoc ICustodyLedger
    function dispatch(Dispatch[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _dispatch(operations[i], signers[i]);
    }

    /// @inheritdoc ICustodyLedger
    function handOver(HandOver[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _handOver(operations[i], signers[i]);
    }

    /// @inheritdoc ICustodyLedger
    function takeOver(TakeOver[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _takeOver(operations[i], signers[i]);
    }

    /// @inheritdoc ICustodyLedger
    function dispose(Disposition[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _dispose(operations[i], signers[i]);
    }

    /// @inheritdoc ICustodyLedger
    function disposeForClosed(
        ClosedUnitDisposition[] calldata operations,
        bytes[] calldata authoritySignatures
    ) external {
        _requireBatch(operations.length, authoritySignatures.length);
        for (uint256 i = 0; i < operations.length; ++i) {
            _disposeForClosed(operations[i], authoritySignatures[i]);
        }
    }

    // ------------------------------------------------------------------------------------- views

    /// @inheritdoc ICustodyLedger
    function getConsignment(bytes32 consignment) external view returns (Consignment memory stored) {
        return _consignments[consignment];
    }

    /// @inheritdoc ICustodyLedger
    function getAsset(bytes32 asset) external view returns (Asset memory stored) {
        return _assets[asset];
    }

    // -------------------------------------------------------------------------- internal: assets

    function _register(AssetRegistration memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(ASSET_REGISTRATION_TYPEHASH, act));
        bytes32 id = keccak256(abi.encode(ASSET_TAG, act.unit, act.code));
        Asset storage asset = _assets[id];
        bytes32 current = asset.latest;
        if (_isRecorded(digest, current)) return;
        require(current == 0, AlreadyRecorded(digest, "asset", id));
        registry.requireRight(
            digest,
            act.unit,
            act.signedBy,
            Rights.ADMINISTER,
            act.signedAt,
            proof
        );
        _requireRange(digest, "kind", act.kind, 1, ASSET_KINDS);

        asset.latest = digest;
        (asset.owner, asset.custodian, asset.state, asset.kind) = (
            act.unit,
            act.unit,
            IN_USE,
            act.kind
        );
        emit AssetRegistered(digest, id, act.unit, _advance(digest), act);
    }

    function _change(AssetChange memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(ASSET_CHANGE_TYPEHASH, act));
        Asset storage asset = _assets[act.asset];
        bytes32 current = asset.latest;
        if (_isRecorded(digest, current)) return;
        _requireOwned(digest, "asset", act.asset, asset.owner, act.unit);
        registry.requireRight(
            digest,
            act.unit,
            act.signedBy,
            Rights.ADMINISTER,
            act.signedAt,
            proof
        );
        require(asset.state != SCRAPPED, NotAllowed(digest, "asset", SCRAPPED));
        _requireRange(digest, "state", act.state, 1, ASSET_STATES);
        _supersede(digest, act.replaces, current);

        asset.latest = digest;
        asset.state = act.state;
        emit AssetChanged(digest, act.asset, act.unit, _advance(digest), act);
    }

    // ------------------------------------------------------------------------ internal: dispatch

    function _dispatch(Dispatch memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(DISPATCH_TYPEHASH, act));
        bytes32 id = keccak256(abi.encode(CONSIGNMENT_TAG, act.unit, act.slip));
        bytes32 latest = _consignments[id].latest;
        if (latest == digest) return;
        require(latest == 0, AlreadyRecorded(digest, "consignment", id));
        uint32 unit = act.unit;
        registry.requireRight(digest, unit, act.signedBy, Rights.DISPATCH, act.signedAt, proof);
        _requireRange(digest, "purpose", act.purpose, 1, PURPOSES);
        uint256 least = act.asset == 0 ? 1 : 0;
        _requireRange(digest, "packages", act.packages, least, type(uint16).max);
        uint32 receiver = act.receiver;
        uint32 taker = act.taker;
        require(receiver != unit, NotAllowed(digest, "receiver", receiver));
        registry.requireAdmitted(digest, receiver);
        if (taker != receiver && taker != unit) registry.requireAdmitted(digest, taker);
        if (act.asset != 0) _send(digest, act.asset, unit, id);

        _consignments[id] = Consignment({
            latest: digest,
            giver: unit,
            receiver: receiver,
            holder: unit,
            taker: taker,
            packages: act.packages,
            step: 1,
            state: OFFERED,
            hasAsset: act.asset != 0
        });
        emit Dispatched(digest, id, unit, _advance(digest), act);
    }

    /// An asset goes on its way: from who has it, in use, and in one consignment at a time.
    function _send(bytes32 digest, bytes32 id, uint32 unit, bytes32 consignment) private {
        Asset storage asset = _assets[id];
        _requireOwned(digest, "asset", id, asset.custodian, unit);
        bytes22 travels = asset.consignment;
        require(travels == 0, NotAllowed(digest, "travelling", uint256(bytes32(travels))));
        uint8 state = asset.state;
        require(state <= OFFERED_TO_OTHERS, NotAllowed(digest, "asset", state));
        asset.consignment = bytes22(consignment);
    }

    // --------------------------------------------------------------------------- internal: steps

    function _handOver(HandOver memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(HAND_OVER_TYPEHASH, act));
        bytes32 id = act.consignment;
        Consignment memory stored = _consignments[id];
        if (stored.latest == digest) return;
        _requireTurn(digest, id, stored, act.step, act.previous);
        uint32 right = _take(digest, id, stored, HAND_OVER, act.unit);
        registry.requireRight(digest, act.unit, act.signedBy, right, act.signedAt, proof);
        _requireRange(digest, "leg", act.leg, 1, LEGS);
        require(act.taker != act.unit, NotAllowed(digest, "taker", act.taker));
        registry.requireAdmitted(digest, act.taker);

        stored.taker = act.taker;
        _consignments[id] = stored;
        emit HandedOver(digest, id, act.unit, _advance(digest), act);
    }

    function _takeOver(TakeOver memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(TAKE_OVER_TYPEHASH, act));
        bytes32 id = act.consignment;
        Consignment memory stored = _consignments[id];
        if (stored.latest == digest) return;
        uint8 outcome = act.outcome;
        _requireRange(digest, "outcome", outcome, 1, OUTCOMES);
        bool keeps = outcome == KEEP || outcome == KEEP_WITHOUT_ASSET;
        require(stored.latest != 0, Unknown(digest, "consignment", id));
        // Who keeps it may have written so where nobody could ask.
        if (!keeps || act.step != 0 || act.previous != 0) {
            _requireTurn(digest, id, stored, act.step, act.previous);
        }
        uint32 right = _take(digest, id, stored, outcome, act.unit);
        registry.requireRight(digest, act.unit, act.signedBy, right, act.signedAt, proof);
        _requireCounts(digest, stored, act, keeps);
        if (keeps) _keep(digest, stored, act);
        else require(act.asset == 0, NotAllowed(digest, "asset", uint256(act.asset)));

        stored.latest = digest;
        stored.taker = 0;
        if (outcome != REFUSE) stored.holder = act.unit;
        _consignments[id] = stored;
        emit TakenOver(digest, id, act.unit, _advance(digest), act);
    }

    function _dispose(Disposition memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(DISPOSITION_TYPEHASH, act));
        (Consignment memory stored, uint32 right) = _settle(digest, act);
        if (right == 0) return;
        registry.requireRight(digest, act.unit, act.signedBy, right, act.signedAt, proof);

        _consignments[act.consignment] = stored;
        emit Disposed(digest, act.consignment, act.unit, _advance(digest), act);
    }

    function _disposeForClosed(ClosedUnitDisposition memory act, bytes calldata signature) private {
        bytes32 digest = _digest(abi.encode(CLOSED_UNIT_DISPOSITION_TYPEHASH, act));
        Disposition memory same = Disposition({
            consignment: act.consignment,
            unit: act.unit,
            kind: act.kind,
            receiver: act.receiver,
            step: act.step,
            previous: act.previous,
            asset: act.asset,
            record: act.record,
            signedBy: 0,
            signedAt: act.signedAt
        });
        (Consignment memory stored, uint32 right) = _settle(digest, same);
        if (right == 0) return;
        _requireOwned(digest, "consignment", act.consignment, stored.giver, act.unit);
        require(!registry.isAdmitted(act.unit), NotAllowed(digest, "unit", act.unit));
        registry.requireAuthority(digest, act.signedAt, signature);

        _consignments[act.consignment] = stored;
        emit DisposedForClosed(digest, act.consignment, act.unit, _advance(digest), act);
    }

    /// The consignment after a disposition, and the right that it needs; right 0: it is the latest
    /// step again.
    function _settle(
        bytes32 digest,
        Disposition memory act
    ) private returns (Consignment memory stored, uint32 right) {
        bytes32 id = act.consignment;
        stored = _consignments[id];
        if (stored.latest == digest) return (stored, 0);
        _requireRange(digest, "kind", act.kind, 1, DISPOSITIONS);
        uint8 step = REFUSE + act.kind;
        _requireTurn(digest, id, stored, act.step, act.previous);
        right = _take(digest, id, stored, step, act.unit);
        if (step == CANCEL) _arrive(digest, id, stored, act.asset, stored.giver);
        else require(act.asset == 0, NotAllowed(digest, "asset", uint256(act.asset)));
        uint32 receiver = act.receiver;
        if (step != REROUTE) {
            require(receiver == 0, NotAllowed(digest, "receiver", receiver));
            stored.taker = 0;
            return (stored, right);
        }
        require(
            receiver != stored.giver && receiver != stored.receiver,
            NotAllowed(digest, "receiver", receiver)
        );
        registry.requireAdmitted(digest, receiver);
        if (stored.taker == stored.receiver) {
            stored.taker = 0; // it was offered to who shall not have it any more
            stored.state = HELD;
        }
        stored.receiver = receiver;
    }

    // ------------------------------------------------------------------- internal: a step's guards

    /// Reverts unless the step comes after the latest, and names it.
    function _requireTurn(
        bytes32 digest,
        bytes32 id,
        Consignment memory stored,
        uint16 step,
        bytes32 previous
    ) private pure {
        bytes32 latest = stored.latest;
        require(latest != 0, Unknown(digest, "consignment", id));
        uint256 next = uint256(stored.step) + 1;
        require(step <= next, NotYetRecorded(digest, "previous", previous));
        require(
            step == next && previous == latest,
            NotCurrent(digest, "previous", previous, latest)
        );
    }

    /// Looks the step up in the table; changes state, number and latest; returns the right.
    function _take(
        bytes32 digest,
        bytes32 id,
        Consignment memory stored,
        uint8 step,
        uint32 unit
    ) private pure returns (uint32 right) {
        uint8 parts =
            (stored.giver == unit ? GIVER : 0) |
                (stored.receiver == unit ? RECEIVER : 0) |
                (stored.holder == unit ? HOLDER : 0) |
                (stored.taker == unit ? TAKER : 0);
        bytes memory steps = STEPS;
        uint256 way = uint256(step) * 2 * WAY;
        if (!_fits(steps, way, parts)) way += WAY;
        require(_fits(steps, way, parts), OfAnotherUnit(digest, "consignment", id, stored.holder));
        uint8 state = stored.state;
        require(
            uint8(steps[way + 2]) & (uint256(1) << state) != 0,
            NotAllowed(digest, "consignment", state)
        );
        if (steps[way + 3] != 0) stored.state = uint8(steps[way + 3]);
        ++stored.step;
        stored.latest = digest;
        return uint8(steps[way + 4]);
    }

    function _fits(bytes memory steps, uint256 way, uint8 parts) private pure returns (bool) {
        uint8 needs = uint8(steps[way]);
        return parts & needs == needs && parts & uint8(steps[way + 1]) == 0;
    }

    /// No more than was sent is accepted and refused, and who keeps it keeps something.
    function _requireCounts(
        bytes32 digest,
        Consignment memory stored,
        TakeOver memory act,
        bool keeps
    ) private pure {
        bool bringsAsset = stored.hasAsset && act.outcome == KEEP;
        uint256 known = uint256(act.seen) + act.inferred + act.refused;
        uint256 least = keeps && !bringsAsset ? 1 : 0;
        _requireRange(digest, "packages", known, least, stored.packages);
    }

    /// Who keeps it has its asset from now on; the giver takes nothing back that its receiver holds.
    function _keep(bytes32 digest, Consignment memory stored, TakeOver memory act) private {
        uint32 unit = act.unit;
        uint32 receiver = stored.receiver;
        bool isBack = unit == stored.giver && stored.holder == receiver;
        require(!isBack || !registry.isAdmitted(receiver), NotAllowed(digest, "holder", receiver));
        bool comes = act.outcome == KEEP;
        require(comes || stored.hasAsset, NotAllowed(digest, "outcome", act.outcome));
        _arrive(digest, act.consignment, stored, act.asset, comes ? unit : stored.giver);
    }

    /// What ends a consignment names its asset, which travels no more.
    function _arrive(
        bytes32 digest,
        bytes32 consignment,
        Consignment memory stored,
        bytes32 id,
        uint32 custodian
    ) private {
        Asset storage asset = _assets[id];
        bool named = stored.hasAsset ? asset.consignment == bytes22(consignment) : id == 0;
        require(named, NotAllowed(digest, "asset", uint256(id)));
        if (!stored.hasAsset) return;
        asset.consignment = 0;
        asset.custodian = custodian;
    }
}
