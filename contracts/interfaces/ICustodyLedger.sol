// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedger} from "./ILedger.sol";
import {Proof} from "./IUnitRegistry.sol";

/// @title ICustodyLedger
/// @notice Who has what: consignments, each from one unit to another in hand-overs and take-overs, and
/// assets, each with exactly one custodian. Packages are lines of records and not known here.
/// @dev A step of a consignment names its own number, one more than the stored one, and the digest of
/// the step before it. The latest step again is a no-op; an older one is refused, since it passed. Who
/// ends a consignment by keeping it may name neither (0 and 0): that was written where nobody could
/// ask. An ended consignment never changes.
interface ICustodyLedger is ILedger {
    // ---------------------------------------------------------------- operations (EIP-712 structs)

    /// @notice A unit registers a shared thing of its own. Its id is
    /// `keccak256(abi.encode(keccak256("steriledger.asset.v1"), unit, code))`.
    struct AssetRegistration {
        uint32 unit; // the unit that acts, and owns it
        bytes32 code; // keccak256 of the code that is on it, in UTF-8
        uint8 kind; // 1 loaner set, 2 scope, 3 ultrasound, 4 drone, 5 other
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice The owner says whether an asset is used.
    struct AssetChange {
        bytes32 asset; // the asset id
        uint32 unit; // the unit that acts
        // 1 in use, 2 in use and offered to others, 3 out of service, 4 lost, 5 scrapped (terminal)
        uint8 state;
        bytes32 replaces; // digest of the registration or change that this one supersedes
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice A unit sends another something. The consignment's id is
    /// `keccak256(abi.encode(keccak256("steriledger.consignment.v1"), unit, slip))`.
    struct Dispatch {
        uint32 unit; // the unit that acts, and gives
        bytes32 slip; // keccak256 of the unit's own slip number, in UTF-8
        uint32 receiver; // the unit that it is for, another one
        uint8 purpose; // 1 clean, 2 soiled, 3 loan, 4 return, 5 recall
        uint16 packages; // how many; at least one, or an asset
        bytes32 asset; // the asset that travels in it; 0 for none
        uint32 taker; // the unit that takes it first; the giver's own van is one
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice Whoever holds a consignment gives it on.
    struct HandOver {
        bytes32 consignment; // the consignment id
        uint32 unit; // the unit that acts, and holds it
        uint32 taker; // the unit that takes it next
        uint8 leg; // how the leg went that ends here: 1 as planned, 2 diverted
        uint16 step; // the number of this step
        bytes32 previous; // digest of the step before it
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice Whoever gets a consignment says so. What was sent and is neither accepted nor refused is
    /// missing; what is refused in part stays with who keeps the rest.
    struct TakeOver {
        bytes32 consignment; // the consignment id
        uint32 unit; // the unit that acts
        uint8 outcome; // 1 carried, 2 kept, 3 kept without the asset, 4 refused whole
        uint16 step; // the number of this step; 0 of one that keeps it and names no other
        bytes32 previous; // digest of the step before it; 0 likewise
        uint16 seen; // packages accepted and seen
        uint16 inferred; // packages accepted on the strength of the list
        uint16 refused; // packages refused
        uint16 extra; // packages that were not sent with it
        bytes32 asset; // of what keeps it: the asset that travels in it; else 0
        bytes32 trip; // keccak256 of the carrier's own number of its tour; 0 for none
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice A consignment's giver or holder says what becomes of it.
    struct Disposition {
        bytes32 consignment; // the consignment id
        uint32 unit; // the unit that acts
        uint8 kind; // 1 cancel, 2 re-route, 3 lost, 4 found
        uint32 receiver; // of a re-route: the unit that it is for now; else 0
        uint16 step; // the number of this step
        bytes32 previous; // digest of the step before it
        bytes32 asset; // of a cancellation: the asset that travels in it; else 0
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice The same in the place of a giver that is closed, by the authority.
    struct ClosedUnitDisposition {
        bytes32 consignment; // the consignment id
        uint32 unit; // the giver that is closed
        uint8 kind; // 1 cancel, 2 re-route, 3 lost, 4 found
        uint32 receiver; // of a re-route: the unit that it is for now; else 0
        uint16 step; // the number of this step
        bytes32 previous; // digest of the step before it
        bytes32 asset; // of a cancellation: the asset that travels in it; else 0
        bytes32 record; // commitment of the record
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    // -------------------------------------------------------------------------------------- stored

    /// @notice What is stored of a consignment. Two slots.
    struct Consignment {
        bytes32 latest; // digest of the latest operation; 0 when the consignment is unknown
        uint32 giver; // the unit that sends it
        uint32 receiver; // the unit that it is for
        uint32 holder; // the unit that has it, or had it last
        uint32 taker; // the unit that it is offered to; 0 for none
        uint16 packages; // how many were sent
        uint16 step; // the number of the latest operation; the dispatch's is 1
        // 1 offered, 2 held, 3 received, 4 cancelled, 5 lost, 6 returned; 0 when it is unknown
        uint8 state;
        bool hasAsset; // whether an asset travels in it
    }

    /// @notice What is stored of an asset. Two slots.
    struct Asset {
        bytes32 latest; // digest of the registration or of the latest change
        uint32 owner; // the unit that registered it; 0 when the asset is unknown
        uint32 custodian; // the unit that answers for it; while it travels, the one that sent it
        uint8 state; // see AssetChange
        uint8 kind; // see AssetRegistration
        bytes22 consignment; // the first bytes of the consignment that it travels in; 0 for none
    }

    // -------------------------------------------------------------------------------------- events
    // One shape for all, see IOperationLog. `about` is the asset id or the consignment id.

    /// @notice An asset was registered, in use and with its owner.
    event AssetRegistered(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        AssetRegistration operation
    );
    /// @notice An asset's state was changed by its owner.
    event AssetChanged(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        AssetChange operation
    );
    /// @notice A consignment was dispatched, and is offered to its first taker.
    event Dispatched(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        Dispatch operation
    );
    /// @notice A consignment was offered on by its holder.
    event HandedOver(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        HandOver operation
    );
    /// @notice A consignment was carried on, kept, or refused whole.
    event TakenOver(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        TakeOver operation
    );
    /// @notice A consignment was cancelled, re-routed, lost or found.
    event Disposed(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        Disposition operation
    );
    /// @notice The same, by the authority in the place of a closed giver.
    event DisposedForClosed(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        ClosedUnitDisposition operation
    );

    // ---------------------------------------------------------------------------------- operations

    /// @notice Registers assets. Needs the right ADMINISTER.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function registerAssets(
        AssetRegistration[] calldata operations,
        Proof[] calldata signers
    ) external;

    /// @notice Changes assets, by their owners. Needs the right ADMINISTER.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function changeAssets(AssetChange[] calldata operations, Proof[] calldata signers) external;

    /// @notice Begins consignments. Needs the right DISPATCH.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function dispatch(Dispatch[] calldata operations, Proof[] calldata signers) external;

    /// @notice Offers consignments on. Needs the right DISPATCH of the giver, CARRY of others.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function handOver(HandOver[] calldata operations, Proof[] calldata signers) external;

    /// @notice Takes consignments over. Needs the right CARRY of who carries them on or refuses to,
    /// RECEIVE of who keeps them, and of the receiver who refuses them.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function takeOver(TakeOver[] calldata operations, Proof[] calldata signers) external;

    /// @notice Cancels, re-routes, loses and finds consignments. Needs the right DISPATCH of the giver,
    /// CARRY of the holder.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    function dispose(Disposition[] calldata operations, Proof[] calldata signers) external;

    /// @notice The same for givers that are closed. Signed by the authority.
    /// @param operations one to MAX_BATCH operations
    /// @param authoritySignatures the authority's signature over each digest
    function disposeForClosed(
        ClosedUnitDisposition[] calldata operations,
        bytes[] calldata authoritySignatures
    ) external;

    // --------------------------------------------------------------------------------------- views

    /// @notice What is stored of a consignment.
    /// @param consignment the consignment id
    /// @return stored all zero when the consignment is unknown
    function getConsignment(bytes32 consignment) external view returns (Consignment memory stored);

    /// @notice What is stored of an asset.
    /// @param asset the asset id
    /// @return stored all zero when the asset is unknown
    function getAsset(bytes32 asset) external view returns (Asset memory stored);
}
