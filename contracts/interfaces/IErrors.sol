// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IErrors
/// @notice Every way in which a ledger refuses. `digest` names the refused operation; `what` names the
/// thing or the member that is wrong, as text: "cycle", "outcome". Retry classes: wait (the same bytes
/// may be accepted later), refuse (they never will be), stop (our deployment or encoding is wrong).
interface IErrors {
    // ------------------------------------------------------------------------------------- wait

    /// @notice The operation names something that is not recorded yet. Retry class: wait.
    /// @param digest the refused operation
    /// @param what "unit", "signer", "equipment", "recovery", "cycle"
    /// @param id what it names
    error Unknown(bytes32 digest, bytes32 what, bytes32 id);
    /// @notice The operation names a digest that is not recorded yet. Retry class: wait.
    /// @param digest the refused operation
    /// @param what the member that names it
    /// @param named the digest that has to be recorded first
    error NotYetRecorded(bytes32 digest, bytes32 what, bytes32 named);
    /// @notice Its time has not come: a moment or a counter epoch. Retry class: wait.
    /// @param digest the refused operation
    /// @param what "signedAt", "recovery" or "epoch"
    /// @param from Unix seconds from which it can be accepted, or the epoch that is waited for
    error TooEarly(bytes32 digest, bytes32 what, uint256 from);

    // ----------------------------------------------------------------------------------- refuse

    /// @notice What the operation names is another unit's. Retry class: refuse.
    /// @param digest the refused operation
    /// @param what "signer", "equipment", "recovery", "cycle"
    /// @param id what it names
    /// @param unit the unit that it belongs to
    error OfAnotherUnit(bytes32 digest, bytes32 what, bytes32 id, uint32 unit);
    /// @notice The same id is recorded with another content. Retry class: refuse.
    /// @param digest the refused operation
    /// @param what "unit", "signer", "equipment", "subject", "cycle", "opening"
    /// @param id the id
    error AlreadyRecorded(bytes32 digest, bytes32 what, bytes32 id);
    /// @notice The operation names a digest that is not, and will not become, the current one. Retry
    /// class: refuse.
    /// @param digest the refused operation
    /// @param what the member that names it
    /// @param named the digest that it names
    /// @param current the digest that it would have to name; 0 when there is none
    error NotCurrent(bytes32 digest, bytes32 what, bytes32 named, bytes32 current);
    /// @notice A value, or a number of lines, is too small or too large. Retry class: refuse.
    /// @param digest the refused operation
    /// @param what the member, or the sum that it would lead to
    /// @param value the offending value
    /// @param least the smallest value that would be accepted
    /// @param most the largest
    error OutOfRange(bytes32 digest, bytes32 what, int256 value, int256 least, int256 most);
    /// @notice A line does not come after the line before it. Retry class: refuse.
    /// @param digest the refused operation
    /// @param what the list
    /// @param index of the line, from 0
    error OutOfOrder(bytes32 digest, bytes32 what, uint256 index);
    /// @notice The state of something does not allow the operation. Retry class: refuse.
    /// @param digest the refused operation
    /// @param what the thing whose state it is, or the member that must not have this value
    /// @param value the state, or the value
    error NotAllowed(bytes32 digest, bytes32 what, uint256 value);
    /// @notice The key does not hold every bit of the right. Retry class: refuse.
    /// @param digest the refused operation
    /// @param signer the signer id
    /// @param right the bits that are needed
    /// @param held the bits that the key has
    error RightMissing(bytes32 digest, bytes32 signer, uint32 right, uint32 held);
    /// @notice The named key did not sign this digest. Retry class: refuse.
    /// @param digest the refused operation
    /// @param signer the signer id that the operation names; 0 for the authority
    error SignatureInvalid(bytes32 digest, bytes32 signer);
    /// @notice Keys of this kind are not enrolled here. Retry class: refuse.
    /// @param digest the refused operation
    /// @param account the verifier that is not on the list, or the account that is a contract
    error KeyNotAllowed(bytes32 digest, address account);

    // ------------------------------------------------------------------------------------- stop

    /// @notice More than MAX_BATCH operations, or not one proof of each kind for each. Retry class:
    /// stop.
    /// @param operations how many operations the call carries
    /// @param proofs how many proofs or signatures one of the other arrays carries
    error BatchInvalid(uint256 operations, uint256 proofs);
    /// @notice The contract cannot be deployed with this. Retry class: stop.
    /// @param what "authority", "verifier", "registry", "cycles"; of a row "kind", "right", "scope",
    /// "mode"
    /// @param value the address, or the kind whose row it is
    error DeploymentInvalid(bytes32 what, uint256 value);
}
