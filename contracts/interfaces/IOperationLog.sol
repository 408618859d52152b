// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IErrors} from "./IErrors.sol";

/// @title IOperationLog
/// @notice What every ledger of the group has in common: operations come in batches, are named by
/// their EIP-712 digest, are recorded once, and advance one running head in the order of recording.
/// @dev Every operation's event has one shape, so that a message is rebuilt from the chain alone:
/// its digest, the id of what it is about, the unit that acts (0 for the authority's witnesses), the
/// running head after it, and the whole operation. Where a key is enrolled or proposed, its raw
/// ERC-7913 bytes come last.
interface IOperationLog is IErrors {
    /// @notice The most operations that one call may carry.
    /// @return the limit
    function MAX_BATCH() external view returns (uint256);

    /// @notice The running head: 0 before the first operation, then
    /// `keccak256(abi.encode(head, digest))` once per recorded operation, in order.
    /// @dev An event that is left out of a copy shows: the copy's head differs from this one.
    /// @return the head after the last recorded operation
    function head() external view returns (bytes32);
}
