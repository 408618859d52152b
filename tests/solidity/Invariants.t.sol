// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rights} from "../../contracts/Rights.sol";
import {ICycleLedger} from "../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../contracts/interfaces/IUnitRegistry.sol";
import {CycleBase} from "./support/CycleBase.sol";
import {Vm} from "./support/Vm.sol";

/// Acts on both ledgers at random, keeps its own books, and never reverts itself.
contract Handler is CycleBase {
    bytes32 public ledgerHead; // the fold over every digest that was accepted
    bytes32 public registryHead;
    uint64 public last; // the number that was opened last
    bool public openedTwice;
    bool public voidedWithResult;
    bool public voidOpened;
    bool public revokedActed;
    bool public replayChanged;
    mapping(uint64 number => int256 packages) public sum; // of all accepted deltas
    mapping(uint64 number => bytes32 digest) public standing; // the opening; 0 when it is void
    mapping(uint64 number => bool) public followed; // whether anything followed the opening
    uint256 public accepted;

    uint256[] private _revoked; // keys
    uint64[] private _numbers; // of the opened cycles
    bytes[] private _calls; // that were accepted
    bytes[] private _voided; // the calls of openings that were taken back
    mapping(bytes32 opening => bytes call) private _openings;
    uint256 private _operators;

    function start() external {
        setUp();
        (ledgerHead, registryHead) = (ledger.head(), registry.head());
        _revoked.push(mallory);
    }

    // ----------------------------------------------------------------------------------- actions

    function open(uint8 skipped) external {
        attemptOpening((last % 64) + 1 + (skipped % 3));
    }

    function openAny(uint64 number) external {
        attemptOpening(number % 64);
    }

    function void(uint256 which) external {
        if (_numbers.length == 0) return;
        uint64 number = pick(which);
        ICycleLedger.CycleVoid memory operation = voiding(number);
        operation.opening = standing[number];
        if (!attempt(encode(operation), digestOf(operation))) return;
        voidedWithResult = voidedWithResult || followed[number];
        _voided.push(_openings[operation.opening]);
        standing[number] = 0;
    }

    /// Sends an opening again that was taken back: whatever stands by now, it changes nothing.
    function openVoid(uint256 which) external {
        if (_voided.length == 0) return;
        bytes32 before = ledger.head();
        (bool done, ) = address(ledger).call(_voided[which % _voided.length]);
        voidOpened = voidOpened || !done || ledger.head() != before;
    }

    function end(uint256 which, uint8 outcome, uint8 verdict) external {
        if (_numbers.length == 0) return;
        uint64 number = pick(which);
        ICycleLedger.CycleEnding memory operation = ending(
            cycleId(number),
            outcome % 4 == 0 ? COMPLETED : outcome % 4,
            verdict % 8 < 5 ? PASSED : (verdict % 8) - 3
        );
        if (attempt(encode(operation), digestOf(operation))) followed[number] = true;
    }

    function declare(uint256 which, uint8 ofTrays, uint8 ofPouches) external {
        if (_numbers.length == 0) return;
        uint64 number = pick(which);
        ICycleLedger.LoadDeclaration memory operation = declaration(
            cycleId(number),
            totals(ofTrays % 32, ofPouches % 8)
        );
        if (attempt(encode(operation), digestOf(operation))) followed[number] = true;
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
        if (!attempt(encode(operation), digestOf(operation))) return;
        followed[number] = true;
        if (moves) sum[number] += int256(own % 16) + int256(souths % 16);
    }

    /// A new operator takes over; the old one is revoked.
    function replaceOperator() external {
        uint256 old = oscar;
        oscar = actor(string(abi.encode("operator", ++_operators)));
        registryHead = fold(registryHead, send(enrolment(oscar, Rights.ALL - Rights.ADMINISTER)));
        registryHead = fold(registryHead, send(revocation(old)));
        _revoked.push(old);
    }

    function actRevoked(uint256 which) external {
        ICycleLedger.CycleOpening memory operation = opening(last + 1);
        operation.signedBy = id(_revoked[which % _revoked.length]);
        bytes32 before = ledger.head();
        (bool done, ) = address(ledger).call(encode(operation));
        // What it signed while it was enrolled may be sent again, and changes nothing.
        revokedActed = revokedActed || (done && ledger.head() != before);
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

    function bothHeads() external view returns (bytes32, bytes32) {
        return (registry.head(), ledger.head());
    }

    function isOpen(uint64 number) external view returns (bool) {
        return ledger.getCycle(cycleId(number)).unit == NORTH;
    }

    function totalOf(uint64 number, uint16 packageClass) external view returns (uint32, uint32) {
        return ledger.getTotal(cycleId(number), packageClass);
    }

    function attemptOpening(uint64 number) private {
        ICycleLedger.CycleOpening memory operation = opening(number);
        bytes32 digest = digestOf(operation);
        if (!attempt(encode(operation), digest)) return;
        openedTwice = openedTwice || standing[number] != 0;
        (last, standing[number], _openings[digest]) = (number, digest, encode(operation));
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
        bytes4[] memory selectors = new bytes4[](11);
        selectors[0] = Handler.open.selector;
        selectors[1] = Handler.openAny.selector;
        selectors[2] = Handler.end.selector;
        selectors[3] = Handler.declare.selector;
        selectors[4] = Handler.decide.selector;
        selectors[5] = Handler.replaceOperator.selector;
        selectors[6] = Handler.actRevoked.selector;
        selectors[7] = Handler.replay.selector;
        selectors[8] = Handler.wait.selector;
        selectors[9] = Handler.void.selector;
        selectors[10] = Handler.openVoid.selector;
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
        (bytes32 registryHead, bytes32 ledgerHead) = handler.bothHeads();
        vm.assertEq(registryHead, handler.registryHead());
        vm.assertEq(ledgerHead, handler.ledgerHead());
    }

    function invariant_a_revoked_signer_never_acts() public view {
        vm.assertFalse(handler.revokedActed());
    }

    function invariant_a_number_is_opened_once_until_its_opening_is_void() public view {
        vm.assertFalse(handler.openedTwice());
        uint64[] memory numbers = handler.numbers();
        for (uint256 i = 0; i < numbers.length; ++i) {
            vm.assertEq(handler.isOpen(numbers[i]), handler.standing(numbers[i]) != 0);
        }
    }

    function invariant_only_an_opening_that_nothing_follows_is_void_and_for_ever() public view {
        vm.assertFalse(handler.voidedWithResult());
        vm.assertFalse(handler.voidOpened());
    }

    function invariant_an_operation_sent_again_changes_nothing() public view {
        vm.assertFalse(handler.replayChanged());
    }
}
