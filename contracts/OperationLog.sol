// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IOperationLog} from "./interfaces/IOperationLog.sol";

/// @title OperationLog
/// @notice The EIP-712 domain, the batch limit and the running head of one ledger.
abstract contract OperationLog is IOperationLog, EIP712 {
    // --------------------------------------------------------------------------------- constants

    /// @inheritdoc IOperationLog
    uint256 public constant MAX_BATCH = 256;

    // ----------------------------------------------------------------------------------- storage

    /// The fold over the digests of all recorded operations.
    bytes32 private _head;

    // ------------------------------------------------------------------------------- constructor

    constructor() EIP712("SteriLedger", "1") {}

    // ------------------------------------------------------------------------------------- views

    /// @inheritdoc IOperationLog
    function head() external view returns (bytes32) {
        return _head;
    }

    // ---------------------------------------------------------------------------------- internal

    /// Advances the running head by one operation and returns the new head.
    function _advance(bytes32 digest) internal returns (bytes32 advanced) {
        advanced = keccak256(abi.encode(_head, digest));
        _head = advanced;
    }

    /// Reverts unless the batch is small enough and every operation has its proof.
    function _requireBatch(uint256 operations, uint256 proofs) internal pure {
        require(operations <= MAX_BATCH, BatchTooLarge(operations, MAX_BATCH));
        require(operations == proofs, BatchLengthMismatch(operations, proofs));
    }
}
