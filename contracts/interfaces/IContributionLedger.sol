// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedger} from "./ILedger.sol";
import {Proof} from "./IUnitRegistry.sol";

/// @title IContributionLedger
/// @notice Services that one unit provided to another, with numbers. What they cost is no matter of
/// this contract: prices are in the terms, and the account is computed from both.
interface IContributionLedger is ILedger {
    /// @notice A service, or a correction of one.
    struct Service {
        uint32 unit; // the unit that provided it
        uint32 consumer; // the unit that used it; the provider itself for its own use
        uint16 kind; // the kind in the group's catalogue, > 0
        uint16 serviceClass; // the class within the kind
        // in the kind's own unit: minutes, uses, hours; of a correction, the signed change
        int48 quantity;
        bytes32 subject; // what it was about: an asset's id, a resolution's digest; 0 for nothing
        uint64 happenedAt; // the provider's claim, Unix seconds; 0 when not stated; never tested
        bytes32 corrects; // digest of the service that this one corrects; 0 for a service
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice A service, or a correction of one, was recorded. The shape is every operation's, see
    /// IOperationLog; `about` is the subject, of a correction the service that it corrects.
    event ServiceRecorded(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        Service operation
    );

    /// @notice Records services and corrections. A correction names a service of the same provider,
    /// consumer, kind, class and subject; what is left of that stays between 0 and what it was.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the provider's proof for each operation
    function recordServices(Service[] calldata operations, Proof[] calldata signers) external;

    /// @notice A recorded service.
    /// @param service its digest
    /// @return quantity as it was recorded; 0 when there is no such service
    /// @return left what its corrections leave of it
    function getService(bytes32 service) external view returns (uint48 quantity, uint48 left);
}
