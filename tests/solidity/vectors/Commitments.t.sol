// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "../support/Vm.sol";

/// The commitment of a record, built again with the SHA-256 precompile: salts, order, padding, nodes,
/// roots and proofs. Only the canonical bytes of the leaves (RFC 8785) are taken from the vectors.
contract CommitmentsTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    bytes16 private constant HEXADECIMAL = "0123456789abcdef";
    uint256 private constant BLOCK = 64; // bytes that SHA-256 takes at once
    uint256 private constant SALT_DIGITS = 32;

    /// One part of a record: its facts or its personal fields.
    struct Part {
        bytes32 secret;
        string[] paths;
        bytes[] canonical;
        bytes32[] hashes;
        bytes32 root;
        uint256 depth; // of the proof's tree
        uint256[] positions; // of the shown leaves
        string[] shown; // their paths
        bytes32[] hidden;
    }

    string private _json;

    function setUp() public {
        _json = vm.readFile("tests/vectors/commitments.json");
    }

    function test_the_root_of_a_record_is_over_both_of_its_parts() public view {
        for (uint256 i = 0; i < records(); ++i) {
            bytes32 facts = vm.parseJsonBytes32(_json, record(i, ".facts.root"));
            bytes32 personal = vm.parseJsonBytes32(_json, record(i, ".personal.root"));
            vm.assertEq(node(facts, personal), vm.parseJsonBytes32(_json, record(i, ".root")));
        }
    }

    function test_the_root_of_a_part_is_over_its_salted_and_padded_leaves() public view {
        for (uint256 i = 0; i < records(); ++i) {
            checkTree(part(record(i, ".facts")));
            checkTree(part(record(i, ".personal")));
        }
    }

    function test_a_proof_leads_to_the_root() public view {
        for (uint256 i = 0; i < records(); ++i) {
            checkProof(part(record(i, ".facts")));
            checkProof(part(record(i, ".personal")));
        }
    }

    // ------------------------------------------------------------------------------------ reading

    function records() private view returns (uint256 count) {
        while (vm.keyExistsJson(_json, record(count, ""))) ++count;
        vm.assertGt(count, 1);
    }

    function record(uint256 index, string memory member) private pure returns (string memory) {
        return string.concat(".records[", vm.toString(index), "]", member);
    }

    function part(string memory prefix) private view returns (Part memory found) {
        found.secret = vm.parseJsonBytes32(_json, string.concat(prefix, ".secret"));
        found.paths = vm.parseJsonStringArray(_json, string.concat(prefix, ".leaves.paths"));
        found.canonical = vm.parseJsonBytesArray(_json, string.concat(prefix, ".leaves.canonical"));
        found.hashes = vm.parseJsonBytes32Array(_json, string.concat(prefix, ".leaves.hashes"));
        found.root = vm.parseJsonBytes32(_json, string.concat(prefix, ".root"));
        found.depth = vm.parseJsonUint(_json, string.concat(prefix, ".proof.depth"));
        found.positions = vm.parseJsonUintArray(_json, string.concat(prefix, ".proof.positions"));
        found.shown = vm.parseJsonStringArray(_json, string.concat(prefix, ".proof.paths"));
        found.hidden = vm.parseJsonBytes32Array(_json, string.concat(prefix, ".proof.hidden"));
    }

    // ----------------------------------------------------------------------------------- the tree

    function checkTree(Part memory given) private pure {
        bytes32[] memory leaves = tree(given);
        vm.assertEq(leaves.length, 1 << given.depth);
        vm.assertEq(fold(leaves), given.root);
    }

    /// All leaves in their order, padding included.
    function tree(Part memory given) private pure returns (bytes32[] memory leaves) {
        uint256 filled = given.paths.length;
        uint256 size = 1;
        while (size < filled) size *= 2;
        leaves = new bytes32[](size);
        bytes32[] memory order = new bytes32[](size);
        for (uint256 i = 0; i < filled; ++i) {
            leaves[i] = leaf(given, i);
            vm.assertEq(leaves[i], given.hashes[i]);
            order[i] = hmac(given.secret, bytes.concat("order\x00", bytes(given.paths[i])));
        }
        for (uint256 i = filled; i < size; ++i) {
            bytes memory padding = bytes.concat("pad\x00", bytes(vm.toString(i - filled)));
            leaves[i] = hmac(given.secret, padding);
            order[i] = hmac(given.secret, bytes.concat("order\x00", padding));
        }
        sort(leaves, order);
    }

    /// The leaf's hash; its canonical bytes begin with its own salt and path.
    function leaf(Part memory given, uint256 index) private pure returns (bytes32) {
        bytes memory path = bytes(given.paths[index]);
        bytes memory salt = hexadecimal(hmac(given.secret, bytes.concat("salt\x00", path)));
        bytes memory begins = bytes.concat('["', salt, '","', path, '",');
        bytes memory canonical = given.canonical[index];
        for (uint256 i = 0; i < begins.length; ++i) {
            vm.assertEq(uint8(canonical[i]), uint8(begins[i]));
        }
        return sha256(bytes.concat(hex"00", canonical));
    }

    function sort(bytes32[] memory leaves, bytes32[] memory order) private pure {
        for (uint256 i = 1; i < order.length; ++i) {
            for (uint256 j = i; j > 0 && order[j] < order[j - 1]; --j) {
                (order[j], order[j - 1]) = (order[j - 1], order[j]);
                (leaves[j], leaves[j - 1]) = (leaves[j - 1], leaves[j]);
            }
        }
    }

    function fold(bytes32[] memory leaves) private pure returns (bytes32) {
        for (uint256 size = leaves.length; size > 1; size /= 2) {
            for (uint256 i = 0; i < size; i += 2) leaves[i / 2] = node(leaves[i], leaves[i + 1]);
        }
        return leaves[0];
    }

    function node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(bytes.concat(hex"01", left, right));
    }

    // ---------------------------------------------------------------------------------- the proof

    function checkProof(Part memory given) private pure {
        vm.assertEq(given.positions.length, given.shown.length);
        (bytes32 root, uint256 used) = rebuild(given, 0, 1 << given.depth, 0);
        vm.assertEq(root, given.root);
        vm.assertEq(used, given.hidden.length);
    }

    /// The root over the leaves from `start`; `used` counts the hidden parts that went into it.
    function rebuild(
        Part memory given,
        uint256 start,
        uint256 size,
        uint256 usedBefore
    ) private pure returns (bytes32 root, uint256 used) {
        (bool found, bytes32 shown) = firstShown(given, start, size);
        if (!found) return (given.hidden[usedBefore], usedBefore + 1);
        if (size == 1) return (shown, usedBefore);
        bytes32 left;
        bytes32 right;
        (left, used) = rebuild(given, start, size / 2, usedBefore);
        (right, used) = rebuild(given, start + size / 2, size / 2, used);
        return (node(left, right), used);
    }

    function firstShown(
        Part memory given,
        uint256 start,
        uint256 size
    ) private pure returns (bool found, bytes32 hash) {
        for (uint256 i = 0; i < given.positions.length; ++i) {
            uint256 position = given.positions[i];
            if (position < start || position >= start + size) continue;
            return (true, given.hashes[indexOf(given.paths, given.shown[i])]);
        }
    }

    function indexOf(string[] memory paths, string memory path) private pure returns (uint256 i) {
        while (keccak256(bytes(paths[i])) != keccak256(bytes(path))) ++i;
    }

    // ------------------------------------------------------------------------------------ hashing

    /// HMAC-SHA-256 (FIPS 198-1) with a key of 32 bytes.
    function hmac(bytes32 key, bytes memory message) private pure returns (bytes32) {
        bytes memory inner = new bytes(BLOCK);
        bytes memory outer = new bytes(BLOCK);
        for (uint256 i = 0; i < BLOCK; ++i) {
            bytes1 digit = i < 32 ? key[i] : bytes1(0);
            (inner[i], outer[i]) = (digit ^ 0x36, digit ^ 0x5c);
        }
        return sha256(bytes.concat(outer, sha256(bytes.concat(inner, message))));
    }

    /// The first 16 bytes as 32 lower-case digits.
    function hexadecimal(bytes32 value) private pure returns (bytes memory digits) {
        digits = new bytes(SALT_DIGITS);
        for (uint256 i = 0; i < SALT_DIGITS; ++i) {
            uint8 both = uint8(value[i / 2]);
            digits[i] = HEXADECIMAL[i % 2 == 0 ? both >> 4 : both & 15];
        }
    }
}
