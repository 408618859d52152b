// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {CycleBase} from "../support/CycleBase.sol";

contract DeploymentTest is CycleBase {
    function test_a_ledger_says_what_it_was_deployed_with() public view {
        vm.assertEq(address(ledger.registry()), address(registry));
        vm.assertEq(ledger.MAX_BATCH(), 256);
        vm.assertEq(ledger.head(), 0);
    }

    function test_a_ledger_needs_a_registry() public {
        address nowhere = vm.addr(mallory);
        vm.expectRevert(deploymentInvalid("registry", uint160(nowhere)));
        this.deployWith(nowhere);
    }

    /// External, so that a refused deployment can be expected.
    function deployWith(address registry_) external {
        deployLedger(IUnitRegistry(registry_));
    }
}
