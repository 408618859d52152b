// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../../contracts/interfaces/ICustodyLedger.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CustodyBase} from "../support/CustodyBase.sol";

contract ConsignmentsTest is CustodyBase {
    uint256 private _made; // keys

    // ---------------------------------------------------------------------------------- dispatch

    function test_a_dispatch_offers_it_to_its_first_taker() public {
        ICustodyLedger.Dispatch memory act = dispatching();
        bytes32 head = expectEvent(act, box);
        bytes32 digest = send(act);
        vm.assertEq(custody.head(), head);
        requireStands(OFFERED, NORTH, VAN);
        ICustodyLedger.Consignment memory stored = custody.getConsignment(box);
        vm.assertEq(stored.giver, NORTH);
        vm.assertEq(stored.receiver, SOUTH);
        vm.assertEq(stored.packages, PACKAGES);
        vm.assertEq(stored.step, 1);
        vm.assertEq(stored.latest, digest);
        vm.assertFalse(stored.hasAsset);
    }

    function test_a_slip_number_is_used_once_by_each_unit() public {
        dispatched();
        ICustodyLedger.Dispatch memory act = dispatching();
        act.packages = 3;
        refuse(act, alreadyRecorded(digestOf(act), "consignment", box));
        (act.unit, act.receiver, act.signedBy) = (EAST, NORTH, id(keyOf[EAST]));
        send(act);
        vm.assertEq(custody.getConsignment(consignmentId(EAST, SLIP)).packages, 3);
    }

    function test_nothing_is_not_dispatched() public {
        ICustodyLedger.Dispatch memory act = dispatching();
        act.packages = 0;
        refuse(act, outside(digestOf(act), "packages", 0, 1, type(uint16).max));
    }

    function test_a_purpose_is_one_of_five() public {
        ICustodyLedger.Dispatch memory act = dispatching();
        act.purpose = 0;
        refuse(act, outside(digestOf(act), "purpose", 0, 1, 5));
        act.purpose = 6;
        refuse(act, outside(digestOf(act), "purpose", 6, 1, 5));
    }

    function test_receiver_and_taker_are_admitted_and_the_receiver_is_another() public {
        ICustodyLedger.Dispatch memory act = dispatching();
        act.receiver = NORTH;
        refuse(act, notAllowed(digestOf(act), "receiver", NORTH));
        act.receiver = 9;
        refuse(act, unknown(digestOf(act), "unit", unitId(9)));
        (act.receiver, act.taker) = (SOUTH, 9);
        refuse(act, unknown(digestOf(act), "unit", unitId(9)));
        send(closure(EAST));
        act.taker = EAST;
        refuse(act, notAllowed(digestOf(act), "unit", 2));
    }

    function test_each_step_needs_the_right_of_its_part() public {
        ICustodyLedger.Dispatch memory sent = dispatching();
        uint256 key = without(NORTH, Rights.DISPATCH);
        sent.signedBy = id(key);
        refuse(sent, lacks(digestOf(sent), key, Rights.DISPATCH));
        dispatched();
        ICustodyLedger.HandOver memory handed = handing(NORTH, DRONE);
        handed.signedBy = id(key);
        refuse(handed, lacks(digestOf(handed), key, Rights.DISPATCH));
        ICustodyLedger.Disposition memory disposed = disposing(NORTH, CANCEL);
        disposed.signedBy = id(key);
        refuse(disposed, lacks(digestOf(disposed), key, Rights.DISPATCH));
        refuseTaking(SOUTH, KEPT, Rights.RECEIVE);
        refuseTaking(SOUTH, REFUSED, Rights.RECEIVE);
        refuseTaking(VAN, CARRIED, Rights.CARRY);
        refuseTaking(VAN, REFUSED, Rights.CARRY);
        send(taking(VAN, CARRIED));
        refuseTaking(NORTH, KEPT, Rights.RECEIVE);
        key = without(VAN, Rights.CARRY);
        handed = handing(VAN, DRONE);
        handed.signedBy = id(key);
        refuse(handed, lacks(digestOf(handed), key, Rights.CARRY));
        disposed = disposing(VAN, LOSE);
        disposed.signedBy = id(key);
        refuse(disposed, lacks(digestOf(disposed), key, Rights.CARRY));
    }

    // ---------------------------------------------------------------------------- hands it over

    function test_the_van_takes_it_and_hands_it_on() public {
        dispatched();
        ICustodyLedger.TakeOver memory taken = taking(VAN, CARRIED);
        bytes32 head = expectEvent(taken, box);
        send(taken);
        vm.assertEq(custody.head(), head);
        requireStands(HELD, VAN, 0);

        ICustodyLedger.HandOver memory act = handing(VAN, DRONE);
        head = expectEvent(act, box);
        bytes32 digest = send(act);
        vm.assertEq(custody.head(), head);
        requireStands(OFFERED, VAN, DRONE);
        vm.assertEq(custody.getConsignment(box).step, 3);
        vm.assertEq(current(), digest);
    }

    function test_an_offer_is_withdrawn_by_another_offer() public {
        dispatched();
        send(handing(NORTH, DRONE));
        ICustodyLedger.TakeOver memory late = taking(VAN, CARRIED);
        refuse(late, ofAnotherUnit(digestOf(late), "consignment", box, NORTH));
        send(taking(DRONE, CARRIED));
        requireStands(HELD, DRONE, 0);
    }

    function test_only_its_holder_hands_it_over() public {
        dispatched();
        ICustodyLedger.HandOver memory act = handing(VAN, DRONE);
        refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, NORTH));
        act = handing(SOUTH, DRONE);
        refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, NORTH));
    }

    function test_a_hand_over_goes_to_another_admitted_unit_and_says_how_the_leg_went() public {
        carried();
        ICustodyLedger.HandOver memory act = handing(VAN, VAN);
        refuse(act, notAllowed(digestOf(act), "taker", VAN));
        act = handing(VAN, 9);
        refuse(act, unknown(digestOf(act), "unit", unitId(9)));
        act = handing(VAN, DRONE);
        act.leg = 3;
        refuse(act, outside(digestOf(act), "leg", 3, 1, 2));
    }

    function test_only_who_it_is_offered_to_carries_it() public {
        dispatched();
        uint32[3] memory others = [NORTH, EAST, DRONE];
        for (uint256 i = 0; i < others.length; ++i) {
            ICustodyLedger.TakeOver memory act = taking(others[i], CARRIED);
            refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, NORTH));
        }
    }

    function test_refused_whole_it_stays_where_it_is() public {
        dispatched();
        send(taking(VAN, REFUSED));
        requireStands(HELD, NORTH, 0);
        send(handing(NORTH, DRONE));
        send(taking(SOUTH, REFUSED)); // whom it is for refuses it wherever it is
        requireStands(HELD, NORTH, 0);
        ICustodyLedger.TakeOver memory again = taking(SOUTH, REFUSED);
        refuse(again, notAllowed(digestOf(again), "consignment", HELD));
    }

    // -------------------------------------------------------------------------------- keeps it

    function test_its_receiver_keeps_it_from_whoever_has_it() public {
        dispatched();
        send(taking(SOUTH, KEPT));
        requireStands(RECEIVED, SOUTH, 0);
    }

    function test_a_receipt_written_where_nobody_could_ask_ends_it_whatever_came_between() public {
        ICustodyLedger.TakeOver memory act = keepingBlindly(SOUTH);
        refuse(act, unknown(digestOf(act), "consignment", box));
        carried();
        send(handing(VAN, DRONE));
        bytes32 digest = send(act);
        requireStands(RECEIVED, SOUTH, 0);
        vm.assertEq(custody.getConsignment(box).step, 4);
        vm.assertEq(current(), digest);
    }

    function test_only_what_ends_it_may_name_no_step() public {
        carried();
        ICustodyLedger.HandOver memory handed = handing(VAN, DRONE);
        (handed.step, handed.previous) = (0, 0);
        refuse(handed, notCurrent(digestOf(handed), "previous", 0, current()));
        ICustodyLedger.Disposition memory act = disposing(VAN, LOSE);
        (act.step, act.previous) = (0, 0);
        refuse(act, notCurrent(digestOf(act), "previous", 0, current()));
        ICustodyLedger.TakeOver memory half = keepingBlindly(SOUTH);
        half.previous = "another";
        refuse(half, notCurrent(digestOf(half), "previous", "another", current()));
    }

    function test_a_third_party_never_keeps_it() public {
        carried();
        uint32[3] memory others = [VAN, DRONE, EAST];
        for (uint256 i = 0; i < others.length; ++i) {
            ICustodyLedger.TakeOver memory act = keepingBlindly(others[i]);
            refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, VAN));
        }
    }

    function test_no_more_is_accepted_and_refused_than_was_sent_and_all_missing_is_none() public {
        dispatched();
        ICustodyLedger.TakeOver memory act = taking(SOUTH, KEPT);
        (act.seen, act.inferred, act.refused, act.extra) = (10, 6, 5, 0);
        refuse(act, outside(digestOf(act), "packages", 21, 1, PACKAGES));
        (act.seen, act.inferred, act.refused, act.extra) = (0, 0, 0, 7);
        refuse(act, outside(digestOf(act), "packages", 0, 1, PACKAGES));
        (act.seen, act.inferred, act.refused, act.extra) = (0, 0, 1, 7);
        send(act);
        requireStands(RECEIVED, SOUTH, 0);
    }

    function test_its_giver_takes_it_back_unless_its_receiver_holds_it() public {
        dispatched();
        ICustodyLedger.TakeOver memory act = taking(NORTH, KEPT);
        refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, NORTH)); // it is there
        send(handing(NORTH, SOUTH));
        send(taking(SOUTH, CARRIED)); // with the receiver's own van
        act = taking(NORTH, KEPT);
        refuse(act, notAllowed(digestOf(act), "holder", SOUTH));
        send(closure(SOUTH));
        send(act);
        requireStands(RETURNED, NORTH, 0);
    }

    function test_what_is_over_never_changes() public {
        carried();
        ICustodyLedger.Disposition memory found = disposing(NORTH, REROUTE);
        send(taking(SOUTH, KEPT));
        bytes32 before = keccak256(abi.encode(custody.getConsignment(box)));
        refuse(found, notCurrent(digestOf(found), "previous", found.previous, current()));
        ICustodyLedger.TakeOver memory again = keepingBlindly(NORTH);
        refuse(again, notAllowed(digestOf(again), "consignment", RECEIVED));
        again = keepingBlindly(SOUTH);
        refuse(again, notAllowed(digestOf(again), "consignment", RECEIVED));
        ICustodyLedger.HandOver memory handed = handing(SOUTH, NORTH);
        refuse(handed, notAllowed(digestOf(handed), "consignment", RECEIVED));
        vm.assertEq(keccak256(abi.encode(custody.getConsignment(box))), before);
    }

    // ------------------------------------------------------------------------------ disposition

    function test_its_giver_cancels_what_it_still_has() public {
        dispatched();
        ICustodyLedger.Disposition memory act = disposing(NORTH, CANCEL);
        bytes32 head = expectEvent(act, box);
        send(act);
        vm.assertEq(custody.head(), head);
        requireStands(CANCELLED, NORTH, 0);
    }

    function test_what_is_on_its_way_is_not_cancelled() public {
        carried();
        ICustodyLedger.Disposition memory act = disposing(NORTH, CANCEL);
        refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, VAN));
        act = disposing(VAN, CANCEL);
        refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, VAN));
    }

    function test_only_its_giver_sends_it_elsewhere() public {
        carried();
        ICustodyLedger.Disposition memory act = disposing(VAN, REROUTE);
        refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, VAN));
        act = disposing(SOUTH, REROUTE);
        refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, VAN));
        send(disposing(NORTH, REROUTE));
        requireStands(HELD, VAN, 0);
        ICustodyLedger.TakeOver memory late = keepingBlindly(SOUTH);
        refuse(late, ofAnotherUnit(digestOf(late), "consignment", box, VAN));
        send(taking(EAST, KEPT));
        requireStands(RECEIVED, EAST, 0);
    }

    function test_an_offer_to_the_old_receiver_ends_with_a_reroute() public {
        dispatched();
        send(handing(NORTH, SOUTH));
        send(disposing(NORTH, REROUTE));
        requireStands(HELD, NORTH, 0);
        vm.assertEq(custody.getConsignment(box).receiver, EAST);
    }

    function test_a_reroute_names_another_admitted_unit() public {
        carried();
        ICustodyLedger.Disposition memory act = disposing(NORTH, REROUTE);
        act.receiver = NORTH;
        refuse(act, notAllowed(digestOf(act), "receiver", NORTH));
        act.receiver = SOUTH;
        refuse(act, notAllowed(digestOf(act), "receiver", SOUTH));
        act.receiver = 9;
        refuse(act, unknown(digestOf(act), "unit", unitId(9)));
        act = disposing(VAN, LOSE);
        act.receiver = EAST;
        refuse(act, notAllowed(digestOf(act), "receiver", EAST));
    }

    function test_lost_it_is_found_by_giver_or_holder_or_kept_where_it_turns_up() public {
        lost();
        requireStands(LOST, VAN, 0);
        send(disposing(NORTH, FIND));
        requireStands(HELD, VAN, 0);
        send(disposing(NORTH, LOSE));
        send(taking(SOUTH, KEPT));
        requireStands(RECEIVED, SOUTH, 0);
    }

    function test_lost_it_is_not_handed_over_and_found_only_once() public {
        lost();
        ICustodyLedger.HandOver memory handed = handing(VAN, DRONE);
        refuse(handed, notAllowed(digestOf(handed), "consignment", LOST));
        send(disposing(VAN, FIND));
        ICustodyLedger.Disposition memory act = disposing(VAN, FIND);
        refuse(act, notAllowed(digestOf(act), "consignment", HELD));
        act = disposing(DRONE, LOSE);
        refuse(act, ofAnotherUnit(digestOf(act), "consignment", box, VAN));
    }

    function test_a_disposition_is_of_four_kinds() public {
        dispatched();
        ICustodyLedger.Disposition memory act = disposing(NORTH, CANCEL);
        act.kind = 5;
        refuse(act, outside(digestOf(act), "kind", 5, 1, 4));
        ICustodyLedger.TakeOver memory taken = taking(SOUTH, 5);
        refuse(taken, outside(digestOf(taken), "outcome", 5, 1, 4));
    }

    function test_the_authority_disposes_only_for_a_giver_that_is_closed() public {
        carried();
        ICustodyLedger.ClosedUnitDisposition memory act = disposingForClosed(REROUTE);
        refuse(act, notAllowed(digestOf(act), "unit", NORTH));
        send(closure(NORTH));
        bytes32 head = expectEvent(act, box);
        send(act);
        vm.assertEq(custody.head(), head);
        vm.assertEq(custody.getConsignment(box).receiver, EAST);

        send(closure(VAN));
        ICustodyLedger.ClosedUnitDisposition memory other = disposingForClosed(LOSE);
        other.unit = VAN;
        refuse(other, ofAnotherUnit(digestOf(other), "consignment", box, NORTH));
        send(disposingForClosed(LOSE));
        requireStands(LOST, VAN, 0);
    }

    // -------------------------------------------------------------------------------- its turn

    function test_the_latest_step_again_changes_nothing_and_an_older_one_is_refused() public {
        dispatched();
        bytes memory offer = encode(dispatching());
        relayWithoutEffect(address(custody), offer);
        ICustodyLedger.TakeOver memory first = taking(VAN, CARRIED);
        bytes memory taken = encode(first);
        relay(address(custody), taken);
        relayWithoutEffect(address(custody), taken);
        refuseCall(
            address(custody),
            offer,
            alreadyRecorded(digestOf(dispatching()), "consignment", box)
        );
        send(handing(VAN, DRONE));
        refuse(first, notCurrent(digestOf(first), "previous", first.previous, current()));
    }

    function test_of_two_steps_at_once_one_counts() public {
        dispatched();
        ICustodyLedger.TakeOver memory one = taking(VAN, CARRIED);
        ICustodyLedger.HandOver memory other = handing(NORTH, DRONE);
        send(one);
        refuse(other, notCurrent(digestOf(other), "previous", other.previous, current()));
    }

    function test_a_step_whose_predecessor_is_missing_waits() public {
        dispatched();
        ICustodyLedger.TakeOver memory act = taking(VAN, CARRIED);
        (act.step, act.previous) = (3, "the step between");
        refuse(act, notYetRecorded(digestOf(act), "previous", "the step between"));
    }

    function test_a_step_of_nothing_waits_for_its_dispatch() public {
        ICustodyLedger.HandOver memory handed = handing(NORTH, VAN);
        refuse(handed, unknown(digestOf(handed), "consignment", box));
        ICustodyLedger.Disposition memory act = disposing(NORTH, CANCEL);
        refuse(act, unknown(digestOf(act), "consignment", box));
    }

    // ------------------------------------------------------------------------------------ fuzz

    function test_no_counts_are_taken_but_those_that_fit(
        uint16 seen,
        uint16 inferred,
        uint16 refused,
        uint16 extra
    ) public {
        dispatched();
        ICustodyLedger.TakeOver memory act = taking(SOUTH, KEPT);
        (act.seen, act.inferred) = (seen % 32, inferred % 8);
        (act.refused, act.extra) = (refused % 8, extra);
        uint256 known = uint256(act.seen) + act.inferred + act.refused;
        if (known >= 1 && known <= PACKAGES) send(act);
        else refuse(act, outside(digestOf(act), "packages", known, 1, PACKAGES));
    }

    function test_no_number_but_the_next_is_taken(uint16 step, bytes32 previous) public {
        carried();
        ICustodyLedger.HandOver memory act = handing(VAN, DRONE);
        if (step == act.step && previous == act.previous) return;
        (act.step, act.previous) = (step, previous);
        bytes32 digest = digestOf(act);
        bytes memory expected =
            step > 3
                ? notYetRecorded(digest, "previous", previous)
                : notCurrent(digest, "previous", previous, current());
        refuse(act, expected);
    }

    // ------------------------------------------------------------------------------------------

    function refuseTaking(uint32 unit, uint8 outcome, uint32 right) private {
        ICustodyLedger.TakeOver memory act = taking(unit, outcome);
        uint256 key = without(unit, right);
        act.signedBy = id(key);
        refuse(act, lacks(digestOf(act), key, right));
    }

    /// A new key of the unit that may do everything but one thing.
    function without(uint32 unit, uint32 right) private returns (uint256 key) {
        key = actor(string(abi.encode("without", unit, right, _made++)));
        send(enrolmentOf(unit, key, Rights.ALL - right));
    }

    function lacks(bytes32 digest, uint256 key, uint32 right) private pure returns (bytes memory) {
        return rightMissing(digest, id(key), right, Rights.ALL - right);
    }
}
