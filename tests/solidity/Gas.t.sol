// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IContributionLedger} from "../../contracts/interfaces/IContributionLedger.sol";
import {ICycleLedger} from "../../contracts/interfaces/ICycleLedger.sol";
import {Proof} from "../../contracts/interfaces/IUnitRegistry.sol";
import {IWitnesses} from "../../contracts/interfaces/IWitnesses.sol";
import {CycleBase} from "./support/CycleBase.sol";

/// What each operation costs inside its transaction: without the 21,000 and the calldata. The values
/// are committed in snapshots/ and compared by `npm run test:solidity`.
contract GasTest is CycleBase {
    uint256 private constant MANY = 50;

    function test_gas_of_the_registry() public {
        send(enrolment(mallory, 2));
        vm.snapshotGasLastCall("registry", "enrol a signer");
        send(revocation(mallory));
        vm.snapshotGasLastCall("registry", "revoke a signer");
        send(registration("another"));
        vm.snapshotGasLastCall("registry", "register a machine");
        send(change(2, 1));
        vm.snapshotGasLastCall("registry", "change a machine");
        send(erasure("subject"));
        vm.snapshotGasLastCall("registry", "erase a record");
        send(admission(3, actor("another administrator")));
        vm.snapshotGasLastCall("registry", "admit a unit");
    }

    function test_gas_of_one_cycle() public {
        send(opening(1));
        send(opening(2));
        vm.snapshotGasLastCall("cycle", "1 open");
        bytes32 cycle = cycleId(2);
        send(ending(cycle, COMPLETED, PASSED));
        vm.snapshotGasLastCall("cycle", "2 end");
        send(declaration(cycle, onlyTrays(10)));
        vm.snapshotGasLastCall("cycle", "3 declare one class");
        send(decision(cycle, RELEASE, trays(4, 3)));
        vm.snapshotGasLastCall("cycle", "4 release to two units");
        send(decision(cycle, HOLD, none()));
        vm.snapshotGasLastCall("cycle", "5 hold");
        send(voiding(1));
        vm.snapshotGasLastCall("cycle", "6 void");
    }

    function test_gas_of_the_witnesses() public {
        send(opening(1));
        IWitnesses.Witness memory operation = statement(12, "subject");
        bytes32 entry = send(operation);
        vm.snapshotGasLastCall("witnesses", "an entry");
        operation.replaces = entry;
        send(operation);
        vm.snapshotGasLastCall("witnesses", "an entry that replaces one");
        send(statement(22, cycleId(1)));
        vm.snapshotGasLastCall("witnesses", "an entry about an own cycle");
        operation = statement(11, "subject");
        bytes32 state = send(operation);
        vm.snapshotGasLastCall("witnesses", "a first state");
        operation.replaces = state;
        send(operation);
        vm.snapshotGasLastCall("witnesses", "a next state");
    }

    function test_gas_of_the_services() public {
        send(service(89));
        IContributionLedger.Service memory operation = service(90);
        bytes32 digest = send(operation);
        vm.snapshotGasLastCall("contributions", "a service");
        send(correction(operation, digest, -30));
        vm.snapshotGasLastCall("contributions", "a correction");
    }

    function test_gas_of_fifty_cycles() public {
        send(opening(1));
        ICycleLedger.CycleOpening[] memory openings = new ICycleLedger.CycleOpening[](MANY);
        ICycleLedger.CycleEnding[] memory endings = new ICycleLedger.CycleEnding[](MANY);
        ICycleLedger.LoadDeclaration[] memory loads = new ICycleLedger.LoadDeclaration[](MANY);
        ICycleLedger.CycleDecision[] memory decisions = new ICycleLedger.CycleDecision[](MANY);
        Proof[] memory proofs = new Proof[](MANY);

        for (uint256 i = 0; i < MANY; ++i) {
            openings[i] = opening(uint64(i + 2));
            proofs[i] = proof(oscar, digestOf(openings[i]));
        }
        ledger.openCycles(openings, proofs);
        vm.snapshotGasLastCall("fifty-cycles", "1 open");

        for (uint256 i = 0; i < MANY; ++i) {
            endings[i] = ending(cycleId(uint64(i + 2)), COMPLETED, PASSED);
            proofs[i] = proof(oscar, digestOf(endings[i]));
        }
        ledger.endCycles(endings, proofs);
        vm.snapshotGasLastCall("fifty-cycles", "2 end");

        for (uint256 i = 0; i < MANY; ++i) {
            loads[i] = declaration(cycleId(uint64(i + 2)), onlyTrays(10));
            proofs[i] = proof(oscar, digestOf(loads[i]));
        }
        ledger.declareLoads(loads, proofs);
        vm.snapshotGasLastCall("fifty-cycles", "3 declare one class");

        for (uint256 i = 0; i < MANY; ++i) {
            decisions[i] = decision(cycleId(uint64(i + 2)), RELEASE, trays(4, 3));
            proofs[i] = proof(oscar, digestOf(decisions[i]));
        }
        ledger.decideCycles(decisions, proofs);
        vm.snapshotGasLastCall("fifty-cycles", "4 release to two units");
    }
}
