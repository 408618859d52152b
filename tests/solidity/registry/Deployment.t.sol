// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Base} from "../support/Base.sol";

/// A multi-signature account in one line: whatever its owner signed, it signed.
contract CouncilAccount {
    address private immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(
        bytes32 hash,
        bytes calldata signature
    ) external view returns (bytes4) {
        (bytes32 r, bytes32 s) = abi.decode(signature[:64], (bytes32, bytes32));
        bool signed = ecrecover(hash, uint8(signature[64]), r, s) == owner;
        return signed ? this.isValidSignature.selector : bytes4(0);
    }
}

contract DeploymentTest is Base {
    function test_a_registry_says_what_it_was_deployed_with() public view {
        vm.assertEq(registry.authority(), vm.addr(authority));
        vm.assertTrue(registry.isVerifier(p256Verifier));
        vm.assertTrue(registry.isVerifier(webAuthnVerifier));
        vm.assertFalse(registry.isVerifier(address(this)));
        vm.assertEq(registry.SKEW_SECONDS(), 300);
        vm.assertEq(registry.RECOVERY_DELAY(), 7 days);
        vm.assertEq(registry.MAX_BATCH(), 256);
        vm.assertEq(registry.head(), 0);
    }

    function test_a_registry_needs_an_authority() public {
        vm.expectRevert(deploymentInvalid("authority", 0));
        this.deployWith(address(0), new address[](0));
    }

    function test_a_verifier_needs_code() public {
        address[] memory verifiers = new address[](1);
        verifiers[0] = vm.addr(mallory);
        vm.expectRevert(deploymentInvalid("verifier", uint160(vm.addr(mallory))));
        this.deployWith(vm.addr(authority), verifiers);
    }

    /// External, so that a refused deployment can be expected.
    function deployWith(address authority_, address[] memory verifiers) external {
        deployRegistry(authority_, verifiers);
    }

    function test_the_authority_may_be_a_contract_account() public {
        address council = address(new CouncilAccount(vm.addr(authority)));
        registry = deployRegistry(council, new address[](0));
        send(admission(NORTH, nora));
        vm.assertTrue(registry.isAdmitted(NORTH));
        IUnitRegistry.UnitClosure memory operation = closure(NORTH);
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.closeUnits,
                (one(operation), one(signature(mallory, digest)))
            ),
            signatureInvalid(digest, 0)
        );
    }

    function test_an_operation_of_another_chain_counts_for_nothing_here() public {
        bytes memory call = encode(closure(NORTH));
        send(admission(NORTH, nora));
        vm.chainId(block.chainid + 1);
        bytes32 here = digestOf(closure(NORTH));
        refuseCall(address(registry), call, signatureInvalid(here, 0));
    }

    function test_an_operation_of_another_registry_counts_for_nothing_here() public {
        send(admission(NORTH, nora));
        bytes memory call = encode(closure(NORTH));
        registry = deployRegistry(vm.addr(authority), new address[](0));
        send(admission(NORTH, nora));
        refuseCall(address(registry), call, signatureInvalid(digestOf(closure(NORTH)), 0));
    }
}
