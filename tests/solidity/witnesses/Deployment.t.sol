// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {KindRow} from "../../../contracts/interfaces/IWitnesses.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "../support/Base.sol";

contract DeploymentTest is Base {
    function test_the_contract_says_what_it_was_deployed_with() public view {
        vm.assertEq(address(witnesses.registry()), address(registry));
        vm.assertEq(address(witnesses.cycles()), address(ledger));
        vm.assertEq(witnesses.MAX_BATCH(), 256);
        vm.assertEq(witnesses.head(), 0);
        KindRow[] memory rows = kindRows();
        for (uint256 i = 0; i < rows.length; ++i) {
            vm.assertEq(abi.encode(witnesses.getKind(rows[i].kind)), abi.encode(rows[i]));
        }
        vm.assertEq(witnesses.getKind(7).kind, 0);
    }

    function test_it_needs_a_registry_and_a_ledger_of_that_registry() public {
        address nowhere = vm.addr(mallory);
        vm.expectRevert(deploymentInvalid("registry", uint160(nowhere)));
        this.deployWith(nowhere, address(ledger), kindRows());
        vm.expectRevert(deploymentInvalid("cycles", uint160(nowhere)));
        this.deployWith(address(registry), nowhere, kindRows());
        IUnitRegistry another = deployRegistry(vm.addr(authority), new address[](0));
        vm.expectRevert(deploymentInvalid("cycles", uint160(address(ledger))));
        this.deployWith(address(another), address(ledger), kindRows());
    }

    function test_a_kind_has_a_number_of_its_own() public {
        refuseRow(KindRow(0, Rights.REPORT, 1, 1), "kind");
        refuseRow(KindRow(11, Rights.REPORT, 1, 1), "kind"); // there is one already
    }

    function test_a_kind_has_a_known_scope_and_mode() public {
        refuseRow(KindRow(7, Rights.REPORT, 0, 1), "scope");
        refuseRow(KindRow(7, Rights.REPORT, 5, 1), "scope");
        refuseRow(KindRow(7, Rights.REPORT, 1, 0), "mode");
        refuseRow(KindRow(7, Rights.REPORT, 1, 3), "mode");
    }

    function test_a_kind_has_a_known_right_unless_the_authority_signs() public {
        refuseRow(KindRow(7, 0, 1, 1), "right");
        refuseRow(KindRow(7, Rights.ALL + 1, 1, 1), "right");
        refuseRow(KindRow(7, Rights.REPORT, 4, 1), "right");
    }

    /// Refuses the usual rows with this one behind them.
    function refuseRow(KindRow memory row, bytes32 what) private {
        KindRow[] memory rows = new KindRow[](9);
        for (uint256 i = 0; i < 8; ++i) rows[i] = kindRows()[i];
        rows[8] = row;
        vm.expectRevert(deploymentInvalid(what, row.kind));
        this.deployWith(address(registry), address(ledger), rows);
    }

    /// External, so that a refused deployment can be expected.
    function deployWith(address registry_, address cycles, KindRow[] memory rows) external {
        deployWitnesses(IUnitRegistry(registry_), ICycleLedger(cycles), rows);
    }
}
