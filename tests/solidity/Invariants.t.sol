// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Duties} from "../../contracts/Duties.sol";
import {ICycleLedger} from "../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../contracts/interfaces/IUnitRegistry.sol";
import {CycleBase} from "./support/CycleBase.sol";
import {Vm} from "./support/Vm.sol";

/// Acts on both ledgers at random, keeps its own books, and never reverts itself.
contract Handler is CycleBase {
    bytes32 public ledgerHead; // the fold over every digest that was accepted
    bytes32 public registryHead;
    uint64 public last; // the highest number that was accepted
    bool public numberFell;
    bool public revokedActed;
    bool public replayChanged;
    mapping(uint64 number => int256 packages) public sum; // of all accepted deltas
    uint256 public accepted;

    uint256[] private _revoked; // keys
    uint64[] private _numbers; // of the opened cycles
    bytes[] private _calls; // that were accepted
    uint256 private _operators;

    function start() external {
        setUp();
        (ledgerHead, registryHead) = (ledger.head(), registry.head());
        _revoked.push(mallory);
    }

    // ----------------------------------------------------------------------------------- actions

    function open(uint8 skipped) external {
        attemptOpening(last + 1 + (skipped % 3));
    }

    function openAny(uint64 number) external {
        attemptOpening(number % 64);
    }

    function end(uint256 which, uint8 outcome, uint8 verdict) external {
        if (_numbers.length == 0) return;
        ICycleLedger.CycleEnding memory operation = ending(
            cycleId(pick(which)),
            outcome % 4 == 0 ? COMPLETED : outcome % 4,
            verdict % 8 < 5 ? PASSED : (verdict % 8) - 3
        );
        attempt(encode(operation), digestOf(operation));
    }

    function declare(uint256 which, uint8 ofTrays, uint8 ofPouches) external {
        if (_numbers.length == 0) return;
        ICycleLedger.LoadDeclaration memory operation = declaration(
            cycleId(pick(which)),
            totals(ofTrays % 32, ofPouches % 8)
        );
        attempt(encode(operation), digestOf(operation));
    }

    function decide(uint256 which, uint8 kind, int8 own, int8 souths) external {
        if (_numbers.length == 0) return;
        uint64 number = pick(which);
        bool moves = own % 4 != 0;
        ICycleLedger.CycleDecision memory operation = decision(
            cycleId(number),
            kind % 9,
            moves ? trays(own % 16, souths % 16) : none()
        );
        if (attempt(encode(operation), digestOf(operation)) && moves) {
            sum[number] += int256(own % 16) + int256(souths % 16);
        }
    }

    /// A new operator takes over; the old one is revoked.
    function replaceOperator() external {
        uint256 old = oscar;
        oscar = actor(string(abi.encode("operator", ++_operators)));
        registryHead = fold(registryHead, send(enrolment(oscar, Duties.ALL - Duties.ADMINISTER)));
        registryHead = fold(registryHead, send(revocation(old)));
        _revoked.push(old);
    }

    function actRevoked(uint256 which) external {
        ICycleLedger.CycleOpening memory operation = opening(last + 1);
        operation.signedBy = id(_revoked[which % _revoked.length]);
        (bool done, ) = address(ledger).call(encode(operation));
        revokedActed = revokedActed || done;
    }

    function replay(uint256 which) external {
        if (_calls.length == 0) return;
        bytes32 before = ledger.head();
        (bool done, ) = address(ledger).call(_calls[which % _calls.length]);
        replayChanged = replayChanged || !done || ledger.head() != before;
    }

    function wait(uint16 seconds_) external {
        vm.warp(block.timestamp + seconds_);
    }

    // --------------------------------------------------------------------------------- the books

    function numbers() external view returns (uint64[] memory) {
        return _numbers;
    }

    function heads() external view returns (bytes32, bytes32) {
        return (registry.head(), ledger.head());
    }

    function totalOf(uint64 number, uint16 packageClass) external view returns (uint32, uint32) {
        return ledger.getTotal(cycleId(number), packageClass);
    }

    function attemptOpening(uint64 number) private {
        ICycleLedger.CycleOpening memory operation = opening(number);
        if (!attempt(encode(operation), digestOf(operation))) return;
        numberFell = numberFell || number <= last;
        last = number;
        _numbers.push(number);
    }

    /// Relays the call; books it when it was accepted and is not a repetition.
    function attempt(bytes memory call, bytes32 digest) private returns (bool) {
        bytes32 before = ledger.head();
        (bool done, ) = address(ledger).call(call);
        if (!done || ledger.head() == before) return false;
        ledgerHead = fold(ledgerHead, digest);
        _calls.push(call);
        ++accepted;
        return true;
    }

    function pick(uint256 which) private view returns (uint64) {
        return _numbers[which % _numbers.length];
    }
}

contract InvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    Handler private handler;

    function setUp() public {
        handler = new Handler();
        handler.start();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = Handler.open.selector;
        selectors[1] = Handler.openAny.selector;
        selectors[2] = Handler.end.selector;
        selectors[3] = Handler.declare.selector;
        selectors[4] = Handler.decide.selector;
        selectors[5] = Handler.replaceOperator.selector;
        selectors[6] = Handler.actRevoked.selector;
        selectors[7] = Handler.replay.selector;
        selectors[8] = Handler.wait.selector;
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_released_never_exceeds_declared_and_is_the_sum_of_the_shares() public view {
        uint64[] memory numbers = handler.numbers();
        for (uint256 i = 0; i < numbers.length; ++i) {
            (uint32 declared, uint32 released) = handler.totalOf(numbers[i], 7);
            vm.assertLe(released, declared);
            vm.assertEq(int256(uint256(released)), handler.sum(numbers[i]));
        }
    }

    function invariant_each_head_is_the_fold_over_the_accepted_digests() public view {
        (bytes32 registryHead, bytes32 ledgerHead) = handler.heads();
        vm.assertEq(registryHead, handler.registryHead());
        vm.assertEq(ledgerHead, handler.ledgerHead());
    }

    function invariant_a_revoked_signer_never_acts() public view {
        vm.assertFalse(handler.revokedActed());
    }

    function invariant_numbers_rise() public view {
        vm.assertFalse(handler.numberFell());
    }

    function invariant_an_operation_sent_again_changes_nothing() public view {
        vm.assertFalse(handler.replayChanged());
    }
}
