// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../../contracts/interfaces/ICustodyLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "./Base.sol";

/// Five units, each with a key that may do everything, and the words that custody tests use.
abstract contract CustodyBase is Base {
    // states of a consignment
    uint8 internal constant OFFERED = 1;
    uint8 internal constant HELD = 2;
    uint8 internal constant RECEIVED = 3;
    uint8 internal constant CANCELLED = 4;
    uint8 internal constant LOST = 5;
    uint8 internal constant RETURNED = 6;
    // outcomes of a take-over
    uint8 internal constant CARRIED = 1;
    uint8 internal constant KEPT = 2;
    uint8 internal constant KEPT_WITHOUT_ASSET = 3;
    uint8 internal constant REFUSED = 4;
    // dispositions
    uint8 internal constant CANCEL = 1;
    uint8 internal constant REROUTE = 2;
    uint8 internal constant LOSE = 3;
    uint8 internal constant FIND = 4;

    uint32 internal constant EAST = 3; // another member unit
    uint32 internal constant VAN = 4;
    uint32 internal constant DRONE = 5;
    uint16 internal constant PACKAGES = 20;
    bytes32 internal constant SLIP = keccak256("4711");
    bytes32 internal constant CODE = keccak256("loaner 1");

    mapping(uint32 unit => uint256 key) internal keyOf; // with every right

    bytes32 internal box; // NORTH's consignment of slip 4711
    bytes32 internal loaner; // NORTH's asset

    function setUp() public virtual override {
        super.setUp();
        string[5] memory names = ["nick", "susan", "eve", "victor", "dora"];
        for (uint32 unit = NORTH; unit <= DRONE; ++unit) {
            uint256 key = actor(names[unit - 1]);
            keyOf[unit] = key;
            IUnitRegistry.UnitAdmission memory admitted = admission(unit, key);
            send(admitted);
            uint256 worker = actor(string.concat(names[unit - 1], " at work"));
            IUnitRegistry.SignerEnrolment memory enrolled = enrolment(worker, Rights.ALL);
            (enrolled.unit, enrolled.signedBy) = (unit, id(key));
            send(enrolled);
            keyOf[unit] = worker;
        }
        box = consignmentId(NORTH, SLIP);
        loaner = assetId(NORTH, CODE);
    }

    // --------------------------------------------------------------------- operations, as usually

    /// A key of the unit, enrolled by its worker, who administers as well.
    function enrolmentOf(
        uint32 unit,
        uint256 key,
        uint32 rights
    ) internal view returns (IUnitRegistry.SignerEnrolment memory act) {
        act = enrolment(key, rights);
        (act.unit, act.signedBy) = (unit, id(keyOf[unit]));
    }

    function asset() internal view returns (ICustodyLedger.AssetRegistration memory) {
        return ICustodyLedger.AssetRegistration(NORTH, CODE, 1, RECORD, id(keyOf[NORTH]), now64());
    }

    function assetChange(uint8 state) internal view returns (ICustodyLedger.AssetChange memory) {
        bytes32 latest = custody.getAsset(loaner).latest;
        return
            ICustodyLedger.AssetChange(
                loaner,
                NORTH,
                state,
                latest,
                RECORD,
                id(keyOf[NORTH]),
                now64()
            );
    }

    /// NORTH sends SOUTH twenty packages; the van takes them first.
    function dispatching() internal view returns (ICustodyLedger.Dispatch memory) {
        return
            ICustodyLedger.Dispatch(
                NORTH,
                SLIP,
                SOUTH,
                1,
                PACKAGES,
                0,
                VAN,
                RECORD,
                id(keyOf[NORTH]),
                now64()
            );
    }

    function handing(
        uint32 unit,
        uint32 taker
    ) internal view returns (ICustodyLedger.HandOver memory act) {
        ICustodyLedger.Consignment memory stored = custody.getConsignment(box);
        act.consignment = box;
        (act.unit, act.taker, act.leg) = (unit, taker, 1);
        (act.step, act.previous) = (stored.step + 1, stored.latest);
        (act.record, act.signedBy, act.signedAt) = (RECORD, id(keyOf[unit]), now64());
    }

    /// Whoever keeps it keeps all twenty, seen, and its asset.
    function taking(
        uint32 unit,
        uint8 outcome
    ) internal view returns (ICustodyLedger.TakeOver memory act) {
        ICustodyLedger.Consignment memory stored = custody.getConsignment(box);
        bool keeps = outcome == KEPT || outcome == KEPT_WITHOUT_ASSET;
        act.consignment = box;
        (act.unit, act.outcome) = (unit, outcome);
        (act.step, act.previous) = (stored.step + 1, stored.latest);
        act.seen = keeps ? stored.packages : 0;
        act.asset = keeps && stored.hasAsset ? loaner : bytes32(0);
        (act.record, act.signedBy, act.signedAt) = (RECORD, id(keyOf[unit]), now64());
    }

    /// As it is written where nobody can ask: without step and previous.
    function keepingBlindly(
        uint32 unit
    ) internal view returns (ICustodyLedger.TakeOver memory act) {
        act = taking(unit, KEPT);
        (act.step, act.previous, act.seen) = (0, 0, PACKAGES);
    }

    function disposing(
        uint32 unit,
        uint8 kind
    ) internal view returns (ICustodyLedger.Disposition memory act) {
        ICustodyLedger.Consignment memory stored = custody.getConsignment(box);
        act.consignment = box;
        (act.unit, act.kind) = (unit, kind);
        act.receiver = kind == REROUTE ? EAST : 0;
        (act.step, act.previous) = (stored.step + 1, stored.latest);
        act.asset = kind == CANCEL && stored.hasAsset ? loaner : bytes32(0);
        (act.record, act.signedBy, act.signedAt) = (RECORD, id(keyOf[unit]), now64());
    }

    function disposingForClosed(
        uint8 kind
    ) internal view returns (ICustodyLedger.ClosedUnitDisposition memory) {
        ICustodyLedger.Disposition memory same = disposing(NORTH, kind);
        return
            ICustodyLedger.ClosedUnitDisposition(
                same.consignment,
                same.unit,
                same.kind,
                same.receiver,
                same.step,
                same.previous,
                same.asset,
                same.record,
                same.signedAt
            );
    }

    // ------------------------------------------------------------------------------ on the way

    function dispatched() internal {
        send(dispatching());
    }

    function withLoaner() internal {
        send(asset());
        ICustodyLedger.Dispatch memory act = dispatching();
        act.asset = loaner;
        send(act);
    }

    function carried() internal {
        dispatched();
        send(taking(VAN, CARRIED));
    }

    function lost() internal {
        carried();
        send(disposing(VAN, LOSE));
    }

    // ------------------------------------------------------------------------------ what stands

    function requireStands(uint8 state, uint32 holder, uint32 taker) internal view {
        ICustodyLedger.Consignment memory stored = custody.getConsignment(box);
        vm.assertEq(stored.state, state);
        vm.assertEq(stored.holder, holder);
        vm.assertEq(stored.taker, taker);
    }

    function current() internal view returns (bytes32) {
        return custody.getConsignment(box).latest;
    }
}
