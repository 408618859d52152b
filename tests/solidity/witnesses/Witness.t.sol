// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {IWitnesses} from "../../../contracts/interfaces/IWitnesses.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CycleBase} from "../support/CycleBase.sol";

/// Kinds are numbered by scope and mode, see Base.kindRows.
contract WitnessTest is CycleBase {
    uint16 private constant STATE = 11; // anybody's
    uint16 private constant ENTRY = 12;
    uint16 private constant OF_CYCLE = 22;
    uint16 private constant OF_MACHINE = 32;
    uint16 private constant AUTHORITYS_STATE = 41;
    uint16 private constant AUTHORITYS_ENTRY = 42;

    // ------------------------------------------------------------------------------------- states

    function test_the_first_state_is_current_and_the_next_one_names_it() public {
        IWitnesses.Witness memory operation = statement(STATE, "subject");
        bytes32 head = expectEvent(operation, "subject");
        bytes32 first = send(operation);
        vm.assertEq(witnesses.getCurrent(STATE, "subject", NORTH), first);
        vm.assertEq(witnesses.head(), head);
        bytes32 second = send(replacing(operation, first));
        vm.assertEq(witnesses.getCurrent(STATE, "subject", NORTH), second);
        vm.assertFalse(witnesses.isStanding(second));
    }

    function test_a_state_sent_again_changes_nothing_even_when_superseded() public {
        IWitnesses.Witness memory operation = statement(STATE, "subject");
        bytes32 first = send(operation);
        relayWithoutEffect(address(witnesses), encode(operation));
        bytes32 second = send(replacing(operation, first));
        relayWithoutEffect(address(witnesses), encode(operation));
        vm.assertEq(witnesses.getCurrent(STATE, "subject", NORTH), second);
    }

    function test_a_state_that_names_not_the_current_one_is_refused() public {
        IWitnesses.Witness memory operation = statement(STATE, "subject");
        bytes32 first = send(operation);
        operation.record = "blind";
        refuse(operation, notCurrent(digestOf(operation), "replaces", 0, first));
        bytes32 second = send(replacing(statement(STATE, "subject"), first));
        operation.replaces = first;
        refuse(operation, notCurrent(digestOf(operation), "replaces", first, second));
    }

    function test_a_state_waits_for_the_one_that_it_names() public {
        IWitnesses.Witness memory operation = statement(STATE, "subject");
        operation.replaces = "not yet here";
        refuse(operation, notYetRecorded(digestOf(operation), "replaces", "not yet here"));
    }

    function test_each_kind_about_and_unit_has_its_own_state() public {
        send(statement(STATE, "subject"));
        send(statement(STATE, "another"));
        bytes32 souths = send(bySouth(statement(STATE, "subject")));
        vm.assertEq(witnesses.getCurrent(STATE, "subject", SOUTH), souths);
        vm.assertNotEq(witnesses.getCurrent(STATE, "subject", NORTH), souths);
        vm.assertNotEq(witnesses.getCurrent(STATE, "another", NORTH), 0);
    }

    // ------------------------------------------------------------------------------------ entries

    function test_entries_stand_side_by_side_until_one_is_replaced() public {
        IWitnesses.Witness memory operation = statement(ENTRY, "subject");
        expectEvent(operation, "subject");
        bytes32 first = send(operation);
        operation.record = "another";
        bytes32 second = send(operation);
        bytes32 third = send(replacing(operation, first));
        vm.assertFalse(witnesses.isStanding(first));
        vm.assertTrue(witnesses.isStanding(second));
        vm.assertTrue(witnesses.isStanding(third));
        vm.assertEq(witnesses.getCurrent(ENTRY, "subject", NORTH), 0);
    }

    function test_an_entry_sent_again_changes_nothing_even_when_replaced() public {
        IWitnesses.Witness memory operation = statement(ENTRY, "subject");
        bytes32 first = send(operation);
        relayWithoutEffect(address(witnesses), encode(operation));
        send(replacing(operation, first));
        relayWithoutEffect(address(witnesses), encode(operation));
        vm.assertFalse(witnesses.isStanding(first));
    }

    function test_an_entry_is_replaced_once() public {
        bytes32 first = send(statement(ENTRY, "subject"));
        send(replacing(statement(ENTRY, "subject"), first));
        IWitnesses.Witness memory operation = replacing(statement(ENTRY, "subject"), first);
        operation.record = "a third";
        refuse(operation, notCurrent(digestOf(operation), "replaces", first, 0));
    }

    function test_an_entry_of_another_kind_subject_or_unit_is_not_replaced() public {
        bytes32 first = send(statement(ENTRY, "subject"));
        IWitnesses.Witness memory operation = replacing(statement(ENTRY, "another"), first);
        refuse(operation, notCurrent(digestOf(operation), "replaces", first, 0));
        operation = replacing(bySouth(statement(ENTRY, "subject")), first);
        refuse(operation, notCurrent(digestOf(operation), "replaces", first, 0));
        send(opening(1));
        operation = replacing(statement(OF_CYCLE, cycleId(1)), first);
        refuse(operation, notCurrent(digestOf(operation), "replaces", first, 0));
        vm.assertTrue(witnesses.isStanding(first));
    }

    function test_an_entry_waits_for_the_one_that_it_names() public {
        IWitnesses.Witness memory operation = statement(ENTRY, "subject");
        operation.replaces = "not yet here";
        refuse(operation, notYetRecorded(digestOf(operation), "replaces", "not yet here"));
    }

    // ------------------------------------------------------------------------------------- scopes

    function test_a_kind_about_a_cycle_needs_the_units_own() public {
        IWitnesses.Witness memory operation = statement(OF_CYCLE, cycleId(1));
        refuse(operation, unknown(digestOf(operation), "cycle", cycleId(1)));
        send(opening(1));
        send(operation);
        operation = bySouth(operation);
        refuse(operation, ofAnotherUnit(digestOf(operation), "cycle", cycleId(1), NORTH));
    }

    function test_a_kind_about_a_machine_needs_the_units_own() public {
        IWitnesses.Witness memory operation = statement(OF_MACHINE, "unknown");
        refuse(operation, unknown(digestOf(operation), "equipment", "unknown"));
        operation = statement(OF_MACHINE, sterilizer);
        send(operation);
        operation = bySouth(operation);
        refuse(operation, ofAnotherUnit(digestOf(operation), "equipment", sterilizer, NORTH));
    }

    function test_an_authoritys_kind_is_signed_by_the_authority() public {
        IWitnesses.Witness memory operation = byAuthority(AUTHORITYS_STATE);
        expectEvent(operation, "subject");
        bytes32 first = send(operation);
        vm.assertEq(witnesses.getCurrent(AUTHORITYS_STATE, "subject", 0), first);
        bytes32 entry = send(byAuthority(AUTHORITYS_ENTRY));
        vm.assertTrue(witnesses.isStanding(entry));

        operation.record = "forged";
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(witnesses),
            abi.encodeCall(IWitnesses.witness, (one(operation), one(proof(oscar, digest)))),
            signatureInvalid(digest, 0)
        );
    }

    function test_an_authoritys_kind_names_no_unit_and_no_signer() public {
        IWitnesses.Witness memory operation = byAuthority(AUTHORITYS_ENTRY);
        operation.unit = NORTH;
        refuse(operation, outside(digestOf(operation), "unit", NORTH, 0, 0));
        (operation.unit, operation.signedBy) = (0, id(oscar));
        refuse(operation, notAllowed(digestOf(operation), "signedBy", uint256(id(oscar))));
    }

    function test_no_unit_is_the_authority_for_another_kind() public {
        IWitnesses.Witness memory operation = byAuthority(ENTRY);
        refuse(operation, unknown(digestOf(operation), "unit", 0));
    }

    // ------------------------------------------------------------------------------------- guards

    function test_a_kind_that_was_not_deployed_is_refused() public {
        IWitnesses.Witness memory operation = statement(7, "subject");
        refuse(operation, notAllowed(digestOf(operation), "kind", 7));
    }

    function test_a_kind_needs_its_right() public {
        send(enrolment(mallory, Rights.SCAN));
        IWitnesses.Witness memory operation = statement(ENTRY, "subject");
        operation.signedBy = id(mallory);
        refuse(
            operation,
            rightMissing(digestOf(operation), id(mallory), Rights.REPORT, Rights.SCAN)
        );
    }

    function test_a_witness_from_the_future_waits() public {
        IWitnesses.Witness memory operation = statement(ENTRY, "subject");
        operation.signedAt = NOW + 301;
        refuse(operation, tooEarly(digestOf(operation), "signedAt", NOW + 1));
        operation = byAuthority(AUTHORITYS_ENTRY);
        operation.signedAt = NOW + 301;
        refuse(operation, tooEarly(digestOf(operation), "signedAt", NOW + 1));
    }

    function test_a_batch_has_a_proof_each_and_a_limit() public {
        refuseCall(
            address(witnesses),
            abi.encodeCall(IWitnesses.witness, (one(statement(ENTRY, "a")), new Proof[](2))),
            batchInvalid(1, 2)
        );
        refuseCall(
            address(witnesses),
            abi.encodeCall(IWitnesses.witness, (new IWitnesses.Witness[](257), new Proof[](257))),
            batchInvalid(257, 257)
        );
    }

    function test_a_witness_of_another_ledger_counts_for_nothing_here() public {
        bytes memory call = encode(statement(ENTRY, "subject"));
        witnesses = deployWitnesses(registry, ledger, kindRows());
        bytes32 here = digestOf(statement(ENTRY, "subject"));
        refuseCall(address(witnesses), call, signatureInvalid(here, id(oscar)));
    }

    // -------------------------------------------------------------------------------------- fuzz

    function test_fuzz_only_the_deployed_kinds_are_recorded(uint16 kind, bytes32 about) public {
        IWitnesses.Witness memory operation = statement(kind % 64, about);
        if (operation.kind == STATE || operation.kind == ENTRY) {
            send(operation);
            return;
        }
        bytes32 before = witnesses.head();
        (bool done, ) = address(witnesses).call(encode(operation));
        vm.assertFalse(done);
        vm.assertEq(witnesses.head(), before);
    }

    // ------------------------------------------------------------------------------------ helpers

    function replacing(
        IWitnesses.Witness memory given,
        bytes32 replaces
    ) private pure returns (IWitnesses.Witness memory) {
        return
            IWitnesses.Witness(
                given.kind,
                given.about,
                given.unit,
                given.content,
                replaces,
                keccak256("a later record"),
                given.signedBy,
                given.signedAt
            );
    }

    /// The same, said by a reporter of SOUTH's, who is enrolled on first use.
    function bySouth(
        IWitnesses.Witness memory given
    ) private returns (IWitnesses.Witness memory operation) {
        uint256 reporter = actor("south's reporter");
        IUnitRegistry.SignerEnrolment memory enrolled = enrolment(reporter, Rights.REPORT);
        (enrolled.unit, enrolled.signedBy) = (SOUTH, id(sam));
        send(enrolled);
        operation = replacing(given, given.replaces);
        (operation.unit, operation.signedBy) = (SOUTH, id(reporter));
    }

    function byAuthority(uint16 kind) private view returns (IWitnesses.Witness memory operation) {
        operation = statement(kind, "subject");
        (operation.unit, operation.signedBy) = (0, 0);
    }
}
