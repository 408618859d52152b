// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {CycleBase} from "../support/CycleBase.sol";

/// The ledger allows the decisions, and the shares, that the domain's table allows.
contract DecisionsTest is CycleBase {
    uint256 private constant REFUSED = 255;
    uint256 private constant ROWS = 80; // ten states, eight kinds

    bytes32 private constant FIRST = keccak256("first");
    bytes32 private constant NONE = keccak256("none");
    bytes32 private constant ANY = keccak256("any");

    string private _json;
    uint64 private _cycles; // how many were opened

    function setUp() public override {
        super.setUp();
        _json = vm.readFile("tests/vectors/decisions.json");
    }

    function test_every_state_allows_exactly_its_decisions_with_their_shares() public {
        uint256[] memory from = vm.parseJsonUintArray(_json, ".from");
        uint256[] memory kinds = vm.parseJsonUintArray(_json, ".kind");
        uint256[] memory to = vm.parseJsonUintArray(_json, ".to");
        string[] memory shares = vm.parseJsonStringArray(_json, ".shares");
        vm.assertEq(from.length, ROWS);
        for (uint256 i = 0; i < ROWS; ++i) {
            uint8 state = uint8(from[i]);
            bytes32 cycle = inState(++_cycles, state);
            if (to[i] == REFUSED) {
                checkRefused(cycle, state, uint8(kinds[i]));
                vm.assertEq(stateOf(cycle), state);
            } else {
                checkShares(cycle, uint8(kinds[i]), keccak256(bytes(shares[i])));
                vm.assertEq(stateOf(cycle), uint8(to[i]));
            }
        }
    }

    function test_corrections_move_packages_as_the_domain_moves_them() public {
        uint256[] memory classes = vm.parseJsonUintArray(_json, ".declared.classes");
        uint256[] memory quantities = vm.parseJsonUintArray(_json, ".declared.quantities");
        uint256 count = 0;
        for (; vm.keyExistsJson(_json, move(count, "")); ++count) {
            bytes32 cycle = declared(classes, quantities);
            send(decision(cycle, RELEASE, lines(count, ".release")));
            bytes memory call = encode(decision(cycle, CORRECT, lines(count, ".correct")));
            (bool done, ) = address(ledger).call(call);
            vm.assertEq(done, vm.parseJsonBool(_json, move(count, ".accepted")));
            uint256[] memory expected = vm.parseJsonUintArray(_json, move(count, ".released"));
            for (uint256 i = 0; i < classes.length; ++i) {
                (, uint32 quantity) = ledger.getTotal(cycle, uint16(classes[i]));
                vm.assertEq(quantity, expected[i]);
            }
        }
        vm.assertGt(count, 1);
    }

    // ----------------------------------------------------------------------------------- helpers

    function checkRefused(bytes32 cycle, uint8 state, uint8 kind) private {
        ICycleLedger.CycleDecision memory operation = decision(cycle, kind, none());
        refuse(operation, notAllowed(digestOf(operation), "cycle", state));
    }

    /// Tries the shares that the rule refuses, then sends the decision with those that it allows.
    function checkShares(bytes32 cycle, uint8 kind, bytes32 rule) private {
        if (rule == FIRST) {
            checkSharesRefused(cycle, kind, none(), "shares", 0, 1, 128);
            checkSharesRefused(cycle, kind, trays(1, -1), "delta", -1, 1, type(int32).max);
            send(decision(cycle, kind, trays(1)));
        } else if (rule == NONE) {
            checkSharesRefused(cycle, kind, trays(1), "shares", 1, 0, 0);
            send(decision(cycle, kind, none()));
        } else {
            vm.assertEq(rule, ANY);
            send(decision(cycle, kind, trays(-1, 1)));
        }
    }

    function checkSharesRefused(
        bytes32 cycle,
        uint8 kind,
        ICycleLedger.Share[] memory shares,
        bytes32 what,
        int256 value,
        int256 least,
        int256 most
    ) private {
        ICycleLedger.CycleDecision memory operation = decision(cycle, kind, shares);
        refuse(operation, outOfRange(digestOf(operation), what, value, least, most));
    }

    /// A completed cycle with these quantities declared.
    function declared(
        uint256[] memory classes,
        uint256[] memory quantities
    ) private returns (bytes32 cycle) {
        send(opening(++_cycles));
        cycle = cycleId(_cycles);
        send(ending(cycle, COMPLETED, PASSED));
        ICycleLedger.ClassTotal[] memory all = new ICycleLedger.ClassTotal[](classes.length);
        for (uint256 i = 0; i < classes.length; ++i) {
            all[i] = ICycleLedger.ClassTotal(uint16(classes[i]), uint32(quantities[i]));
        }
        send(declaration(cycle, all));
    }

    function move(uint256 index, string memory member) private pure returns (string memory) {
        return string.concat(".moves[", vm.toString(index), "]", member);
    }

    function lines(
        uint256 index,
        string memory part
    ) private view returns (ICycleLedger.Share[] memory shares) {
        string memory prefix = move(index, part);
        uint256[] memory owners = vm.parseJsonUintArray(_json, string.concat(prefix, ".owners"));
        uint256[] memory classes = vm.parseJsonUintArray(_json, string.concat(prefix, ".classes"));
        int256[] memory deltas = vm.parseJsonIntArray(_json, string.concat(prefix, ".deltas"));
        shares = new ICycleLedger.Share[](owners.length);
        for (uint256 i = 0; i < owners.length; ++i) {
            shares[i] = ICycleLedger.Share(
                uint32(owners[i]),
                NORTH,
                uint16(classes[i]),
                int32(deltas[i])
            );
        }
    }
}
