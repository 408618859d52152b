// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {Base} from "./Base.sol";

/// Both units settled, and the words that cycle tests use.
abstract contract CycleBase is Base {
    // outcomes
    uint8 internal constant COMPLETED = 1;
    uint8 internal constant ABORTED = 2;
    uint8 internal constant UNKNOWN = 3;
    // verdicts
    uint8 internal constant PASSED = 1;
    uint8 internal constant FAILED = 2;
    uint8 internal constant NOT_COMPUTED = 4;
    // decision kinds
    uint8 internal constant RELEASE = 1;
    uint8 internal constant PENDING = 2;
    uint8 internal constant EMERGENCY = 3;
    uint8 internal constant REJECT = 4;
    uint8 internal constant HOLD = 5;
    uint8 internal constant LIFT = 6;
    uint8 internal constant RECALL = 7;
    uint8 internal constant CORRECT = 8;

    uint16 internal constant TRAY = 7; // package classes
    uint16 internal constant POUCH = 9;

    function setUp() public virtual override {
        super.setUp();
        settle();
    }

    function cycleId(uint64 number) internal view returns (bytes32) {
        return cycleId(sterilizer, 1, number);
    }

    function opened() internal returns (bytes32 cycle) {
        send(opening(1));
        return cycleId(1);
    }

    /// A cycle that completed and passed with 10 trays and 4 pouches.
    function releasable() internal returns (bytes32 cycle) {
        cycle = opened();
        send(ending(cycle, COMPLETED, PASSED));
        send(declaration(cycle, totals(10, 4)));
    }

    /// Opens cycle `number` and brings it into the state.
    function inState(uint64 number, uint8 state) internal returns (bytes32 cycle) {
        uint8[2][10] memory ways = [
            [0, 0],
            [RELEASE, 0],
            [PENDING, 0],
            [EMERGENCY, 0],
            [REJECT, 0],
            [HOLD, 0],
            [RELEASE, HOLD],
            [PENDING, HOLD],
            [EMERGENCY, HOLD],
            [RELEASE, RECALL]
        ];
        send(opening(number));
        cycle = cycleId(number);
        send(ending(cycle, COMPLETED, PASSED));
        send(declaration(cycle, totals(10, 4)));
        for (uint256 i = 0; i < 2; ++i) {
            uint8 kind = ways[state][i];
            if (kind != 0) send(decision(cycle, kind, kind <= EMERGENCY ? trays(1) : none()));
        }
        vm.assertEq(stateOf(cycle), state);
    }

    function totals(
        uint32 ofTrays,
        uint32 ofPouches
    ) internal pure returns (ICycleLedger.ClassTotal[] memory lines) {
        lines = new ICycleLedger.ClassTotal[](2);
        lines[0] = ICycleLedger.ClassTotal(TRAY, ofTrays);
        lines[1] = ICycleLedger.ClassTotal(POUCH, ofPouches);
    }

    function onlyTrays(
        uint32 ofTrays
    ) internal pure returns (ICycleLedger.ClassTotal[] memory lines) {
        lines = new ICycleLedger.ClassTotal[](1);
        lines[0] = ICycleLedger.ClassTotal(TRAY, ofTrays);
    }

    function none() internal pure returns (ICycleLedger.Share[] memory) {
        return new ICycleLedger.Share[](0);
    }

    function trays(int32 delta) internal pure returns (ICycleLedger.Share[] memory lines) {
        lines = new ICycleLedger.Share[](1);
        lines[0] = ICycleLedger.Share(NORTH, NORTH, TRAY, delta);
    }

    function trays(
        int32 own,
        int32 souths
    ) internal pure returns (ICycleLedger.Share[] memory lines) {
        lines = new ICycleLedger.Share[](2);
        lines[0] = ICycleLedger.Share(NORTH, NORTH, TRAY, own);
        lines[1] = ICycleLedger.Share(SOUTH, NORTH, TRAY, souths);
    }

    function stateOf(bytes32 cycle) internal view returns (uint8) {
        return ledger.getCycle(cycle).state;
    }

    function released(bytes32 cycle) internal view returns (uint32 quantity) {
        (, quantity) = ledger.getTotal(cycle, TRAY);
    }
}
