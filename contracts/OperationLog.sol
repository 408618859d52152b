// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IOperationLog} from "./interfaces/IOperationLog.sol";

/// @title OperationLog
/// @notice The EIP-712 domain, the batch limit, the running head and the common guards of a ledger.
abstract contract OperationLog is IOperationLog, EIP712 {
    // --------------------------------------------------------------------------------- constants

    /// @inheritdoc IOperationLog
    uint256 public constant MAX_BATCH = 256;

    // ----------------------------------------------------------------------------------- storage

    /// The fold over the digests of all recorded operations.
    bytes32 private _head;

    /// The recorded digests that no other slot holds, or holds no longer.
    mapping(bytes32 digest => bool) internal _recorded;

    // ------------------------------------------------------------------------------- constructor

    constructor() EIP712("SteriLedger", "1") {}

    // ------------------------------------------------------------------------------------- views

    /// @inheritdoc IOperationLog
    function head() external view returns (bytes32) {
        return _head;
    }

    // --------------------------------------------------------------------------------- recording

    /// The digest of an operation, from its type hash and members as EIP-712 encodes them.
    function _digest(bytes memory encoded) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(encoded));
    }

    /// Advances the running head by one operation and returns the new head.
    function _advance(bytes32 digest) internal returns (bytes32 advanced) {
        advanced = keccak256(abi.encode(_head, digest));
        _head = advanced;
    }

    /// Whether the digest is the current one of its series, or was.
    function _isRecorded(bytes32 digest, bytes32 current) internal view returns (bool) {
        return current == digest || (current != 0 && _recorded[digest]);
    }

    /// Reverts unless `replaces` is the current digest; remembers that it no longer is.
    function _supersede(bytes32 digest, bytes32 replaces, bytes32 current) internal {
        _requireCurrent(digest, "replaces", replaces, current);
        if (current != 0) _recorded[current] = true;
    }

    // ------------------------------------------------------------------------------------ guards

    function _requireBatch(uint256 operations, uint256 proofs) internal pure {
        require(operations <= MAX_BATCH && operations == proofs, BatchInvalid(operations, proofs));
    }

    function _requireCurrent(
        bytes32 digest,
        bytes32 what,
        bytes32 named,
        bytes32 current
    ) internal view {
        if (named == current) return;
        require(named == 0 || _recorded[named], NotYetRecorded(digest, what, named));
        revert NotCurrent(digest, what, named, current);
    }

    /// Reverts unless the thing is recorded, and belongs to the unit.
    function _requireOwned(
        bytes32 digest,
        bytes32 what,
        bytes32 id,
        uint32 owner,
        uint32 unit
    ) internal pure {
        require(owner != 0, Unknown(digest, what, id));
        require(owner == unit, OfAnotherUnit(digest, what, id, owner));
    }

    /// The values are members of at most 64 bits, or lengths.
    function _requireRange(
        bytes32 digest,
        bytes32 what,
        uint256 value,
        uint256 least,
        uint256 most
    ) internal pure {
        require(
            value >= least && value <= most,
            OutOfRange(digest, what, int256(value), int256(least), int256(most))
        );
    }
}
