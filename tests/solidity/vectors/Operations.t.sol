// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Base} from "../support/Base.sol";

/// The digests that the tests sign, and the contracts therefore accept, are the domain's.
contract OperationsTest is Base {
    function test_every_operation_of_the_vectors_has_the_domains_digests() public view {
        string memory json = vm.readFile("tests/vectors/operations.json");
        uint256 chainId = vm.parseJsonUint(json, ".chainId");
        address target = vm.parseJsonAddress(json, ".contract");
        string[] memory kinds = allKinds();
        for (uint256 i = 0; i < kinds.length; ++i) {
            string memory prefix = string.concat(".kinds.", kinds[i]);
            bytes[] memory encoded = vm.parseJsonBytesArray(
                json,
                string.concat(prefix, ".encoded")
            );
            bytes32[] memory digests = vm.parseJsonBytes32Array(
                json,
                string.concat(prefix, ".digests")
            );
            vm.assertEq(encoded.length, 2);
            vm.assertEq(digests.length, 2);
            for (uint256 j = 0; j < 2; ++j) {
                bytes32 hash = structHash(kinds[i], encoded[j]);
                vm.assertEq(digestAt(target, chainId, hash), digests[j]);
            }
        }
    }
}
