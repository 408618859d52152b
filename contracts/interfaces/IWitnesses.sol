// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "./ICycleLedger.sol";
import {ILedger} from "./ILedger.sol";
import {Proof} from "./IUnitRegistry.sol";

/// @notice What a kind of witness needs; fixed at deployment.
struct KindRow {
    uint16 kind; // the kind's number, > 0
    uint32 right; // the bits that the signer needs; 0 where the authority signs
    // 1 anybody; 2 own cycle: `about` is a cycle of this unit; 3 own machine: `about` is equipment of
    // this unit; 4 the authority: unit and signedBy are 0
    uint8 scope;
    // 1 state: one is current for each kind, about and unit, and the next one names it in `replaces`;
    // 2 entry: many stand side by side, and `replaces` may name one, of the same kind, about and unit,
    // that is not yet replaced
    uint8 mode;
}

/// @title IWitnesses
/// @notice Signed statements of declared kinds about something, with no other effect on chain. What a
/// kind's scope does not check, the reader does.
interface IWitnesses is ILedger {
    /// @notice A unit, or the authority, says something about something.
    struct Witness {
        uint16 kind; // one of the kinds that this contract was deployed with
        bytes32 about; // what it is about: by the kind's scope a cycle id, an equipment id, or anything
        uint32 unit; // the unit that acts; 0 for the authority
        bytes32 content; // a document's hash, or small values packed as the kind says
        bytes32 replaces; // digest of the witness that this one replaces; 0 when it replaces none
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key; 0 for the authority
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice A witness was recorded. The shape is every operation's, see IOperationLog.
    event Witnessed(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        Witness operation
    );

    /// @notice Records witnesses. The kind says which right is needed.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation; the authority's has a signature only,
    /// and its key is not looked at
    function witness(Witness[] calldata operations, Proof[] calldata signers) external;

    /// @notice The ledger whose cycles the kinds of scope 2 are about.
    /// @return its address
    function cycles() external view returns (ICycleLedger);

    /// @notice A kind's row.
    /// @param kind the kind's number
    /// @return row all zero when this contract was deployed without it
    function getKind(uint16 kind) external view returns (KindRow memory row);

    /// @notice The current witness of a kind that is a state.
    /// @param kind the kind's number
    /// @param about what it is about
    /// @param unit the unit that said it; 0 for the authority
    /// @return its digest; 0 when there is none
    function getCurrent(uint16 kind, bytes32 about, uint32 unit) external view returns (bytes32);

    /// @notice Whether a witness of a kind that is an entry is recorded and not replaced.
    /// @param digest the witness's digest
    /// @return whether it stands
    function isStanding(bytes32 digest) external view returns (bool);
}
