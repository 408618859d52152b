// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CustodyBase} from "./support/CustodyBase.sol";

/// What each operation of custody costs inside its transaction, see Gas.t.sol.
contract CustodyGasTest is CustodyBase {
    function test_gas_of_one_consignment() public {
        dispatched();
        vm.snapshotGasLastCall("custody", "1 dispatch twenty packages");
        send(taking(VAN, CARRIED));
        vm.snapshotGasLastCall("custody", "2 carry");
        send(handing(VAN, DRONE));
        vm.snapshotGasLastCall("custody", "3 hand over");
        send(disposing(VAN, LOSE));
        vm.snapshotGasLastCall("custody", "4 lose");
        send(disposing(NORTH, REROUTE));
        vm.snapshotGasLastCall("custody", "5 re-route");
        send(taking(EAST, KEPT));
        vm.snapshotGasLastCall("custody", "6 keep");
    }

    function test_gas_of_an_asset() public {
        send(asset());
        vm.snapshotGasLastCall("custody", "register an asset");
        send(assetChange(2));
        vm.snapshotGasLastCall("custody", "change an asset");
    }
}
