// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ICustodyLedger} from "../../../contracts/interfaces/ICustodyLedger.sol";
import {IContributionLedger} from "../../../contracts/interfaces/IContributionLedger.sol";
import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {IWitnesses} from "../../../contracts/interfaces/IWitnesses.sol";
import {Vm} from "./Vm.sol";

/// The ledgers, labelled actors with their keys, and what it takes to sign and to relay.
abstract contract Actors {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    uint256 internal constant CURVE_ORDER =
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    bytes32 private constant DOMAIN = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    IUnitRegistry internal registry;
    ICycleLedger internal ledger;
    ICustodyLedger internal custody;
    IContributionLedger internal contributions;
    IWitnesses internal witnesses;

    uint256 internal authority; // a private key, as every actor

    mapping(bytes32 signer => uint256 privateKey) private _keys;

    // --------------------------------------------------------------------------- keys and proofs

    function actor(string memory name) internal returns (uint256 privateKey) {
        privateKey = (uint256(keccak256(bytes(name))) % (CURVE_ORDER - 1)) + 1;
        vm.label(vm.addr(privateKey), name);
        _keys[id(privateKey)] = privateKey;
    }

    function account(uint256 privateKey) internal pure returns (bytes memory) {
        return bytes.concat(bytes20(vm.addr(privateKey)));
    }

    function id(uint256 privateKey) internal pure returns (bytes32) {
        return signerId(account(privateKey));
    }

    function signature(uint256 privateKey, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, digest);
        return bytes.concat(r, s, bytes1(v));
    }

    function proof(uint256 privateKey, bytes32 digest) internal pure returns (Proof memory) {
        return Proof({signer: account(privateKey), signature: signature(privateKey, digest)});
    }

    /// The proof of the actor whose signer id this is; of the authority, which has none, for 0.
    function proofOf(bytes32 signer, bytes32 digest) internal view returns (Proof memory) {
        if (signer == 0) return Proof({signer: "", signature: signature(authority, digest)});
        uint256 privateKey = _keys[signer];
        require(privateKey != 0, "not an actor");
        return proof(privateKey, digest);
    }

    function one(bytes memory item) internal pure returns (bytes[] memory items) {
        items = new bytes[](1);
        items[0] = item;
    }

    function one(Proof memory item) internal pure returns (Proof[] memory items) {
        items = new Proof[](1);
        items[0] = item;
    }

    // --------------------------------------------------------------------------- relay and refuse

    function relay(address target, bytes memory call) internal {
        Address.functionCall(target, call);
    }

    /// Relays the call, and expects exactly this error and that no head moves.
    function refuseCall(address target, bytes memory call, bytes memory expected) internal {
        bytes32 before = heads();
        (bool done, bytes memory result) = target.call(call);
        vm.assertFalse(done);
        vm.assertEq(result, expected);
        vm.assertEq(heads(), before);
    }

    /// Relays the call and asserts that it changed and emitted nothing.
    function relayWithoutEffect(address target, bytes memory call) internal {
        bytes32 before = heads();
        vm.recordLogs();
        relay(target, call);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(heads(), before);
    }

    /// All heads as one value.
    function heads() internal view returns (bytes32) {
        return
            keccak256(abi.encode(registry.head(), ledger.head(), custody.head(), witnesses.head()));
    }

    function fold(bytes32 head, bytes32 digest) internal pure returns (bytes32) {
        return keccak256(abi.encode(head, digest));
    }

    // ------------------------------------------------------- digests and ids, written a second time

    function digestAt(address target, bytes32 structHash) internal view returns (bytes32) {
        return digestAt(target, block.chainid, structHash);
    }

    function digestAt(
        address target,
        uint256 chainId,
        bytes32 structHash
    ) internal pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN, keccak256("SteriLedger"), keccak256("1"), chainId, target)
        );
        return keccak256(bytes.concat(hex"1901", domain, structHash));
    }

    function unitId(uint32 unit) internal pure returns (bytes32) {
        return bytes32(uint256(unit));
    }

    function signerId(bytes memory key) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.signer.v1"), key));
    }

    function equipmentId(uint32 unit, bytes32 serial) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.equipment.v1"), unit, serial));
    }

    function cycleId(
        bytes32 equipment,
        uint32 epoch,
        uint64 number
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.cycle.v1"), equipment, epoch, number));
    }

    function assetId(uint32 unit, bytes32 code) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.asset.v1"), unit, code));
    }

    function consignmentId(uint32 unit, bytes32 slip) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.consignment.v1"), unit, slip));
    }

    function completionOf(bytes32 proposal) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.recovery.completed.v1"), proposal));
    }
}
