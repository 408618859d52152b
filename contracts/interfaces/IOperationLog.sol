// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IOperationLog
/// @notice What every ledger of the group has in common: operations come in batches, are named by
/// their EIP-712 digest, are recorded once, and advance one running head in the order of recording.
interface IOperationLog {
    // ------------------------------------------------------------------------------------ errors

    /// @notice The call carries more operations than one batch may hold. Retry class: stop.
    /// @param operations how many operations the call carries
    /// @param limit MAX_BATCH
    error BatchTooLarge(uint256 operations, uint256 limit);

    /// @notice Every operation needs exactly one proof of each kind. Retry class: stop.
    /// @param operations how many operations the call carries
    /// @param proofs how many proofs or signatures one of the other arrays carries
    error BatchLengthMismatch(uint256 operations, uint256 proofs);

    /// @notice The operation names a digest that is no longer, or never was, the current one, and
    /// will not become it again. Retry class: refuse.
    /// @param digest the refused operation
    /// @param named the digest that the operation names
    /// @param current the digest that it would have to name; 0 when there is none
    error NotCurrent(bytes32 digest, bytes32 named, bytes32 current);

    /// @notice The operation names a digest that is not recorded here yet. Retry class: wait.
    /// @param digest the refused operation
    /// @param predecessor the digest that has to be recorded first
    error PredecessorUnknown(bytes32 digest, bytes32 predecessor);

    // ------------------------------------------------------------------------------------- views

    /// @notice The most operations that one call may carry.
    /// @return the limit
    function MAX_BATCH() external view returns (uint256);

    /// @notice The running head: 0 before the first operation, then
    /// `keccak256(abi.encode(head, digest))` once per recorded operation, in order.
    /// @dev An event that is left out of a copy shows: the copy's head differs from this one.
    /// @return the head after the last recorded operation
    function head() external view returns (bytes32);
}
