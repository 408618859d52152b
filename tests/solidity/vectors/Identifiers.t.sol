// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {CycleBase} from "../support/CycleBase.sol";

/// The contracts compute the ids that the domain computes.
contract IdentifiersTest is CycleBase {
    string private _json;

    function setUp() public override {
        super.setUp();
        _json = vm.readFile("tests/vectors/identifiers.json");
    }

    /// The ids under which the registry enrols the tests' keys are computed as the domain does.
    function test_signer_ids() public view {
        bytes[] memory keys = vm.parseJsonBytesArray(_json, ".signers.keys");
        bytes32[] memory ids = vm.parseJsonBytes32Array(_json, ".signers.ids");
        vm.assertGt(keys.length, 0);
        vm.assertEq(keys.length, ids.length);
        for (uint256 i = 0; i < keys.length; ++i) {
            vm.assertEq(signerId(keys[i]), ids[i]);
        }
    }

    function test_serials_are_hashed_as_their_utf_8() public view {
        string[] memory texts = vm.parseJsonStringArray(_json, ".serials.texts");
        bytes32[] memory hashes = vm.parseJsonBytes32Array(_json, ".serials.hashes");
        vm.assertGt(texts.length, 0);
        for (uint256 i = 0; i < texts.length; ++i) {
            vm.assertEq(keccak256(bytes(texts[i])), hashes[i]);
        }
    }

    function test_equipment_ids() public {
        uint256[] memory units = vm.parseJsonUintArray(_json, ".equipment.units");
        bytes32[] memory serials = vm.parseJsonBytes32Array(_json, ".equipment.serials");
        bytes32[] memory ids = vm.parseJsonBytes32Array(_json, ".equipment.ids");
        vm.assertGt(units.length, 0);
        for (uint256 i = 0; i < units.length; ++i) {
            uint32 unit = uint32(units[i]);
            register(unit, administratorOf(unit), serials[i], 1);
            (uint32 owner, , , , ) = registry.getEquipment(ids[i]);
            vm.assertEq(owner, unit);
        }
    }

    /// The ids that the tests of custody compute, and the contract therefore, are the domain's.
    function test_asset_and_consignment_ids() public view {
        uint256[] memory units = vm.parseJsonUintArray(_json, ".custody.units");
        bytes32[] memory texts = vm.parseJsonBytes32Array(_json, ".custody.texts");
        bytes32[] memory assets = vm.parseJsonBytes32Array(_json, ".custody.assets");
        bytes32[] memory consignments = vm.parseJsonBytes32Array(_json, ".custody.consignments");
        vm.assertGt(units.length, 0);
        for (uint256 i = 0; i < units.length; ++i) {
            vm.assertEq(assetId(uint32(units[i]), texts[i]), assets[i]);
            vm.assertEq(consignmentId(uint32(units[i]), texts[i]), consignments[i]);
        }
    }

    function test_cycle_ids() public {
        string[] memory numbers = vm.parseJsonStringArray(_json, ".cycles.numbers");
        uint256[] memory epochs = vm.parseJsonUintArray(_json, ".cycles.epochs");
        bytes32[] memory equipment = vm.parseJsonBytes32Array(_json, ".cycles.equipment");
        bytes32[] memory serials = vm.parseJsonBytes32Array(_json, ".equipment.serials");
        bytes32[] memory ids = vm.parseJsonBytes32Array(_json, ".cycles.ids");
        vm.assertGt(numbers.length, 0);
        for (uint256 i = 0; i < numbers.length; ++i) {
            register(NORTH, nora, serials[i], uint32(epochs[i]));
            ICycleLedger.CycleOpening memory operation = opening(uint64(vm.parseUint(numbers[i])));
            (operation.equipment, operation.epoch) = (equipment[i], uint32(epochs[i]));
            send(operation);
            vm.assertEq(ledger.getCycle(ids[i]).unit, NORTH);
        }
    }

    /// The unit's administrator; admits the unit where it is none of the settled ones.
    function administratorOf(uint32 unit) private returns (uint256 administrator) {
        if (unit == NORTH) return nora;
        if (unit == SOUTH) return sam;
        administrator = actor("administrator of another unit");
        send(admission(unit, administrator));
    }

    function register(uint32 unit, uint256 administrator, bytes32 serial, uint32 epoch) private {
        IUnitRegistry.EquipmentRegistration memory operation = registration(serial);
        (operation.unit, operation.signedBy) = (unit, id(administrator));
        operation.epoch = epoch;
        send(operation);
    }
}
