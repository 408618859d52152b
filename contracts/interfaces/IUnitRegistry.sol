// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOperationLog} from "./IOperationLog.sol";

/// @notice What accompanies an operation: the raw ERC-7913 bytes of a key and its signature over
/// the operation's digest.
struct Proof {
    bytes signer; // ERC-7913: an account's address, or a verifier's address followed by the key
    bytes signature; // over the EIP-712 digest
}

/// @title IUnitRegistry
/// @notice Units, their signers and their equipment. Every right, the authority's included, is
/// exercised by a signed operation that anyone may relay; nothing depends on who sends it.
interface IUnitRegistry is IOperationLog {
    // ---------------------------------------------------------------- operations (EIP-712 structs)

    /// @notice The authority admits a unit with its first administrator, whose key signs too.
    struct UnitAdmission {
        uint32 unit; // the unit's number in the group, > 0, given by the authority
        // bit set: 1 processor, 2 user, 4 carrier, 8 supplier, 16 external processor, 32 auditor
        uint16 roles;
        bytes32 administrator; // signer id of the unit's first administrator
        uint8 custody; // who holds that key: 1 server, 2 station, 3 device, 4 hardware
        uint64 validUntil; // Unix seconds; 0 means no expiry
        bytes32 record; // commitment of the unit record
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice The authority closes a unit.
    struct UnitClosure {
        uint32 unit; // the unit that is closed, for ever
        bytes32 record; // commitment of the record
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice An administrator enrols a key, which signs too.
    struct SignerEnrolment {
        uint32 unit; // the unit that the key will act for
        bytes32 signer; // id of the key that is enrolled
        // bit set: 1 administer, 2 open, 4 load, 8 result, 16 decide, 32 dispatch, 64 carry,
        // 128 receive, 256 settle, 512 erase, 1024 scan, 2048 report, 4096 answer
        uint32 rights;
        uint8 custody; // 1 server, 2 station, 3 device, 4 hardware
        uint64 validFrom; // Unix seconds
        uint64 validUntil; // Unix seconds; 0 means no expiry
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the administrator who enrols
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice An administrator revokes a key.
    struct SignerRevocation {
        uint32 unit; // the unit that the key acts for
        bytes32 signer; // id of the key that is revoked
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice An administrator registers a machine.
    struct EquipmentRegistration {
        uint32 unit; // the unit that acts
        bytes32 serial; // keccak256 of the maker's serial number in UTF-8
        uint8 kind; // 1 sterilizer, 2 washer-disinfector
        uint32 epoch; // counter epoch that the machine's cycle numbers belong to
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice An administrator changes a machine's state or epoch.
    struct EquipmentChange {
        bytes32 equipment; // the equipment id
        uint32 unit; // the unit that acts
        uint8 state; // 1 in service, 2 out of service, 3 retired (terminal)
        uint32 epoch; // the same or a higher epoch
        bytes32 replaces; // digest of the registration or change that this one supersedes
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice The authority proposes a new administrator, whose key signs too.
    struct RecoveryProposal {
        uint32 unit; // the unit that lost its administrators
        bytes32 signer; // id of the proposed administrator's key
        uint8 custody; // 1 server, 2 station, 3 device, 4 hardware
        uint64 validUntil; // Unix seconds; 0 means no expiry
        bytes32 record; // commitment of the record
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice An administrator vetoes a proposal.
    struct RecoveryVeto {
        uint32 unit; // the unit that acts
        bytes32 proposal; // digest of the proposal
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    /// @notice Two signers with the right ERASE erase the personal fields of a record.
    struct RecordErasure {
        uint32 unit; // the unit that acts
        bytes32 subject; // digest of the operation whose record's personal fields are erased
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        bytes32 countersignedBy; // a second signer of the same unit
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    // -------------------------------------------------------------------------------------- events
    // One shape for all, see IOperationLog. `about` is the unit's number, the signer id, the equipment
    // id, the proposal's digest or the erased subject.

    /// @notice A unit was admitted with its first administrator, whose key is valid from signedAt.
    event UnitAdmitted(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        UnitAdmission operation,
        bytes key
    );
    /// @notice A unit was closed: its signers can do nothing any more, its history stays.
    event UnitClosed(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        UnitClosure operation
    );
    /// @notice A key acts for a unit from now on.
    event SignerEnrolled(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        SignerEnrolment operation,
        bytes key
    );
    /// @notice A key no longer acts, for ever.
    event SignerRevoked(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        SignerRevocation operation
    );
    /// @notice A machine is in service.
    event EquipmentRegistered(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        EquipmentRegistration operation
    );
    /// @notice A machine's state or counter epoch changed.
    event EquipmentChanged(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        EquipmentChange operation
    );
    /// @notice The authority proposed a new administrator; the unit may veto for RECOVERY_DELAY.
    event RecoveryProposed(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        RecoveryProposal operation,
        bytes key
    );
    /// @notice An administrator of the unit vetoed the proposal, for ever.
    event RecoveryVetoed(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        RecoveryVeto operation
    );
    /// @notice The proposed key became an administrator of the unit, valid from the proposal's
    /// signedAt. The one event without an operation: `digest` is the proposal's, and the head advances
    /// by keccak256(abi.encode(keccak256("steriledger.recovery.completed.v1"), digest)).
    event RecoveryCompleted(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head
    );
    /// @notice Two signers of a unit erased the personal fields of a record.
    event RecordErased(
        bytes32 indexed digest,
        bytes32 indexed about,
        uint32 indexed unit,
        bytes32 head,
        RecordErasure operation
    );

    // ------------------------------------------------------------------------ the authority's acts

    /// @notice Admits units, each with its first administrator, whose key is valid from signedAt.
    /// @param operations one to MAX_BATCH operations
    /// @param authoritySignatures the authority's signature over each digest
    /// @param administrators each administrator's proof of possession of the key
    function admitUnits(
        UnitAdmission[] calldata operations,
        bytes[] calldata authoritySignatures,
        Proof[] calldata administrators
    ) external;

    /// @notice Closes units, for ever.
    /// @param operations one to MAX_BATCH operations
    /// @param authoritySignatures the authority's signature over each digest
    function closeUnits(
        UnitClosure[] calldata operations,
        bytes[] calldata authoritySignatures
    ) external;

    /// @notice Proposes new administrators for units whose own are lost. Changes no right yet.
    /// @param operations one to MAX_BATCH operations
    /// @param authoritySignatures the authority's signature over each digest
    /// @param administrators each proposed administrator's proof of possession of the key
    function proposeRecoveries(
        RecoveryProposal[] calldata operations,
        bytes[] calldata authoritySignatures,
        Proof[] calldata administrators
    ) external;

    // --------------------------------------------------------------------- an administrator's acts

    /// @notice Enrols keys. A key belongs to one unit, and keeps its rights, for ever.
    /// @param operations one to MAX_BATCH operations
    /// @param administrators an administrator's proof for each operation
    /// @param signers each new key's proof of possession
    function enrolSigners(
        SignerEnrolment[] calldata operations,
        Proof[] calldata administrators,
        Proof[] calldata signers
    ) external;

    /// @notice Revokes keys, the last administrator's included: recovery exists.
    /// @param operations one to MAX_BATCH operations
    /// @param administrators an administrator's proof for each operation
    function revokeSigners(
        SignerRevocation[] calldata operations,
        Proof[] calldata administrators
    ) external;

    /// @notice Registers machines, in service.
    /// @param operations one to MAX_BATCH operations
    /// @param administrators an administrator's proof for each operation
    function registerEquipment(
        EquipmentRegistration[] calldata operations,
        Proof[] calldata administrators
    ) external;

    /// @notice Moves machines between states and into later counter epochs.
    /// @param operations one to MAX_BATCH operations
    /// @param administrators an administrator's proof for each operation
    function changeEquipment(
        EquipmentChange[] calldata operations,
        Proof[] calldata administrators
    ) external;

    /// @notice Vetoes proposed recoveries up to and including RECOVERY_DELAY after their block.
    /// @param operations one to MAX_BATCH operations
    /// @param administrators an administrator's proof for each operation
    function vetoRecoveries(
        RecoveryVeto[] calldata operations,
        Proof[] calldata administrators
    ) external;

    /// @notice Records erasures of personal fields; a unit erases a subject once.
    /// @param operations one to MAX_BATCH operations
    /// @param signers the acting key's proof for each operation
    /// @param countersigners the second key's proof for each operation
    function eraseRecords(
        RecordErasure[] calldata operations,
        Proof[] calldata signers,
        Proof[] calldata countersigners
    ) external;

    // ------------------------------------------------------------------------------- anybody's act

    /// @notice Enrols the proposed key as an administrator, after RECOVERY_DELAY and without a
    /// veto. A completed recovery is a no-op. Needs no right.
    /// @param proposal digest of the proposal
    function completeRecovery(bytes32 proposal) external;

    // --------------------------------------------------------------------------------------- views

    /// @notice Reverts unless the proof's key acts for `unit` with every bit of `right`, is neither
    /// revoked nor outside its validity at `signedAt`, and signed `digest`; and unless `signedAt` is
    /// at most SKEW_SECONDS after the block time.
    /// @param digest the EIP-712 digest of the operation, of whichever ledger
    /// @param unit the unit for which the operation is done
    /// @param signedBy the signer id that the operation names
    /// @param right the bits that the operation needs
    /// @param signedAt Unix seconds, as the operation states
    /// @param proof the key and its signature
    function requireRight(
        bytes32 digest,
        uint32 unit,
        bytes32 signedBy,
        uint32 right,
        uint64 signedAt,
        Proof calldata proof
    ) external view;

    /// @notice Reverts unless the authority signed `digest`, and `signedAt` is at most SKEW_SECONDS
    /// after the block time.
    /// @param digest the EIP-712 digest of the operation, of whichever ledger
    /// @param signedAt Unix seconds, as the operation states
    /// @param signature the authority's
    function requireAuthority(
        bytes32 digest,
        uint64 signedAt,
        bytes calldata signature
    ) external view;

    /// @notice Reverts unless the machine is `unit`'s.
    /// @param digest the operation that needs it, for the error
    /// @param equipment the equipment id
    /// @param unit the unit that must own the machine
    function requireEquipment(bytes32 digest, bytes32 equipment, uint32 unit) external view;

    /// @notice Reverts unless the machine is `unit`'s, and its counter is or was in `epoch`. Whether it
    /// is in service is not asked: what a machine did is recorded whatever became of it.
    /// @param digest the operation that needs it, for the error
    /// @param equipment the equipment id
    /// @param unit the unit that must own the machine
    /// @param epoch an epoch from the machine's first to its current one
    function requireOwner(
        bytes32 digest,
        bytes32 equipment,
        uint32 unit,
        uint32 epoch
    ) external view;

    /// @notice Reverts unless the unit is admitted and not closed.
    /// @param digest the operation that names the unit, for the error
    /// @param unit the unit's number
    function requireAdmitted(bytes32 digest, uint32 unit) external view;

    /// @notice Reverts unless the unit was admitted; it may be closed since.
    /// @param digest the operation that names the unit, for the error
    /// @param unit the unit's number
    function requireKnown(bytes32 digest, uint32 unit) external view;

    /// @notice Whether the unit is admitted and not closed.
    /// @param unit the unit's number
    /// @return whether it is
    function isAdmitted(uint32 unit) external view returns (bool);

    /// @notice Whether this registry has recorded the operation.
    /// @param digest the operation's EIP-712 digest, or a recovery's completion
    /// @return whether it has
    function isRecorded(bytes32 digest) external view returns (bool);

    /// @notice Whether keys of this ERC-7913 verifier may be enrolled; fixed at deployment.
    /// @param verifier address of the verifier
    /// @return whether they may
    function isVerifier(address verifier) external view returns (bool);

    /// @notice How far `signedAt` may lie after the block time.
    /// @return seconds
    function SKEW_SECONDS() external view returns (uint256);

    /// @notice How long a unit's administrators may veto a recovery.
    /// @return seconds
    function RECOVERY_DELAY() external view returns (uint256);

    /// @notice The consortium's own signer: an account, or a contract that answers ERC-1271.
    /// @return its address
    function authority() external view returns (address);

    /// @notice What is stored of a key.
    /// @param signer the signer id
    /// @return unit the unit that it acts for; 0 when it is unknown
    /// @return rights bit set
    /// @return validFrom Unix seconds
    /// @return validUntil Unix seconds; 0 means no expiry
    /// @return revoked whether it is revoked
    function getSigner(
        bytes32 signer
    )
        external
        view
        returns (uint32 unit, uint32 rights, uint64 validFrom, uint64 validUntil, bool revoked);

    /// @notice What is stored of a machine.
    /// @param equipment the equipment id
    /// @return unit the unit that owns it; 0 when it is unknown
    /// @return state 1 in service, 2 out of service, 3 retired
    /// @return epoch the current counter epoch
    /// @return latest the digest that the next change has to replace
    /// @return first the epoch in which it was registered
    function getEquipment(
        bytes32 equipment
    ) external view returns (uint32 unit, uint8 state, uint32 epoch, bytes32 latest, uint32 first);

    /// @notice What is stored of a recovery.
    /// @param proposal the digest of the proposal
    /// @return unit the unit that it concerns; 0 when it is unknown
    /// @return state 1 proposed, 2 vetoed, 3 completed
    /// @return vetoableUntil Unix seconds: the last block time at which a veto counts
    /// @return signer the id of the proposed key
    function getRecovery(
        bytes32 proposal
    ) external view returns (uint32 unit, uint8 state, uint256 vetoableUntil, bytes32 signer);
}
