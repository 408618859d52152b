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
        // 128 receive, 256 settle, 512 erase
        uint32 duties;
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

    /// @notice Two signers with the duty ERASE erase the personal fields of a record.
    struct RecordErasure {
        uint32 unit; // the unit that acts
        bytes32 subject; // digest of the operation whose record's personal fields are erased
        bytes32 record; // commitment of the record
        bytes32 signedBy; // signer id of the acting key
        bytes32 countersignedBy; // a second signer of the same unit
        uint64 signedAt; // Unix seconds, tested against the block time
    }

    // -------------------------------------------------------------------------------------- errors
    // `digest` names the refused operation. Retry classes: wait (a predecessor may still arrive),
    // refuse (it will never be accepted), stop (our own deployment or encoding is wrong).

    /// @notice A registry needs an authority. Retry class: stop.
    error AuthorityMissing();
    /// @notice An allow-listed verifier has no code at this address. Retry class: stop.
    /// @param verifier address of the verifier
    error VerifierWithoutCode(address verifier);

    /// @notice `signedAt` lies more than SKEW_SECONDS after the block time. Retry class: wait.
    /// @param digest the refused operation
    /// @param signedAt Unix seconds, as the operation states
    /// @param blockTime Unix seconds
    error SignedInFuture(bytes32 digest, uint64 signedAt, uint256 blockTime);
    /// @notice The authority did not sign this digest. Retry class: stop.
    /// @param digest the refused operation
    error AuthoritySignatureInvalid(bytes32 digest);
    /// @notice The key did not sign this digest. Retry class: stop.
    /// @param digest the refused operation
    /// @param signer the signer id
    error SignatureInvalid(bytes32 digest, bytes32 signer);
    /// @notice The proof's key is not the one that the operation names. Retry class: stop.
    /// @param digest the refused operation
    /// @param named what the operation names
    /// @param proven what the proof shows
    error SignerMismatch(bytes32 digest, bytes32 named, bytes32 proven);
    /// @notice The key is shorter than an address. Retry class: stop.
    /// @param digest the refused operation
    /// @param length of the key, in bytes
    error SignerMalformed(bytes32 digest, uint256 length);
    /// @notice A unit's account key must not be a contract. Retry class: refuse.
    /// @param digest the refused operation
    /// @param account the address that has code
    error SignerHasCode(bytes32 digest, address account);
    /// @notice The key's verifier is not on the allow-list of this deployment. Retry class: stop.
    /// @param digest the refused operation
    /// @param verifier address of the verifier
    error VerifierNotAllowed(bytes32 digest, address verifier);

    /// @notice Unit numbers start at 1. Retry class: refuse.
    /// @param digest the refused operation
    error UnitNumberZero(bytes32 digest);
    /// @notice No such unit has been admitted. Retry class: wait.
    /// @param digest the refused operation
    /// @param unit the unit's number
    error UnitUnknown(bytes32 digest, uint32 unit);
    /// @notice The unit is closed. Retry class: refuse.
    /// @param digest the refused operation
    /// @param unit the unit's number
    error UnitIsClosed(bytes32 digest, uint32 unit);
    /// @notice This unit number was given by another admission. Retry class: refuse.
    /// @param digest the refused operation
    /// @param unit the unit's number
    error UnitConflict(bytes32 digest, uint32 unit);
    /// @notice No role, or a bit that stands for none. Retry class: refuse.
    /// @param digest the refused operation
    /// @param roles the offending value
    error RolesUnknown(bytes32 digest, uint16 roles);

    /// @notice No such key is enrolled. Retry class: wait.
    /// @param digest the refused operation
    /// @param signer the signer id
    error SignerUnknown(bytes32 digest, bytes32 signer);
    /// @notice The key acts for `owner`, not for the unit that the operation names. Retry class:
    /// refuse.
    /// @param digest the refused operation
    /// @param signer the signer id
    /// @param owner the unit that it belongs to
    error SignerOfOtherUnit(bytes32 digest, bytes32 signer, uint32 owner);
    /// @notice The key is revoked, for ever. Retry class: refuse.
    /// @param digest the refused operation
    /// @param signer the signer id
    error SignerIsRevoked(bytes32 digest, bytes32 signer);
    /// @notice The key is already enrolled, for `owner`. Retry class: refuse.
    /// @param digest the refused operation
    /// @param signer the signer id
    /// @param owner the unit that it belongs to
    error SignerConflict(bytes32 digest, bytes32 signer, uint32 owner);
    /// @notice The key does not hold every bit of the duty. Retry class: refuse.
    /// @param digest the refused operation
    /// @param signer the signer id
    /// @param duty the bits that are needed
    /// @param held the bits that the key has
    error DutyMissing(bytes32 digest, bytes32 signer, uint32 duty, uint32 held);
    /// @notice The operation was signed before the key's validity began. Retry class: refuse.
    /// @param digest the refused operation
    /// @param signer the signer id
    /// @param validFrom Unix seconds
    /// @param signedAt Unix seconds, as the operation states
    error SignerNotYetValid(bytes32 digest, bytes32 signer, uint64 validFrom, uint64 signedAt);
    /// @notice The operation was signed after the key's validity ended. Retry class: refuse.
    /// @param digest the refused operation
    /// @param signer the signer id
    /// @param validUntil Unix seconds
    /// @param signedAt Unix seconds, as the operation states
    error SignerExpired(bytes32 digest, bytes32 signer, uint64 validUntil, uint64 signedAt);
    /// @notice No duty, or a bit that stands for none. Retry class: refuse.
    /// @param digest the refused operation
    /// @param duties the offending value
    error DutiesUnknown(bytes32 digest, uint32 duties);
    /// @notice Custody is 1 to 4. Retry class: refuse.
    /// @param digest the refused operation
    /// @param custody the offending value
    error CustodyUnknown(bytes32 digest, uint8 custody);
    /// @notice The validity ends before or when it begins. Retry class: refuse.
    /// @param digest the refused operation
    /// @param validFrom Unix seconds
    /// @param validUntil Unix seconds
    error ValidityEmpty(bytes32 digest, uint64 validFrom, uint64 validUntil);

    /// @notice No such machine is registered. Retry class: wait.
    /// @param digest the refused operation
    /// @param equipment the equipment id
    error EquipmentUnknown(bytes32 digest, bytes32 equipment);
    /// @notice The machine is another unit's. Retry class: refuse.
    /// @param digest the refused operation
    /// @param equipment the equipment id
    /// @param owner the unit that it belongs to
    error EquipmentOfOtherUnit(bytes32 digest, bytes32 equipment, uint32 owner);
    /// @notice The machine is registered already; `current` is its latest digest. Retry class:
    /// refuse.
    /// @param digest the refused operation
    /// @param equipment the equipment id
    /// @param current the current one
    error EquipmentConflict(bytes32 digest, bytes32 equipment, bytes32 current);
    /// @notice The machine is out of service and may come back. Retry class: wait.
    /// @param digest the refused operation
    /// @param equipment the equipment id
    error EquipmentOutOfService(bytes32 digest, bytes32 equipment);
    /// @notice The machine is retired, for ever. Retry class: refuse.
    /// @param digest the refused operation
    /// @param equipment the equipment id
    error EquipmentIsRetired(bytes32 digest, bytes32 equipment);
    /// @notice Equipment kind is 1 or 2. Retry class: refuse.
    /// @param digest the refused operation
    /// @param kind the offending value
    error EquipmentKindUnknown(bytes32 digest, uint8 kind);
    /// @notice Equipment state is 1 to 3. Retry class: refuse.
    /// @param digest the refused operation
    /// @param state the offending value
    error EquipmentStateUnknown(bytes32 digest, uint8 state);
    /// @notice The machine's counter has left this epoch. Retry class: refuse.
    /// @param digest the refused operation
    /// @param equipment the equipment id
    /// @param epoch the epoch that the operation names
    /// @param current the current one
    error EpochPassed(bytes32 digest, bytes32 equipment, uint32 epoch, uint32 current);
    /// @notice The machine's counter has not been moved to this epoch yet. Retry class: wait.
    /// @param digest the refused operation
    /// @param equipment the equipment id
    /// @param epoch the epoch that the operation names
    /// @param current the current one
    error EpochNotReached(bytes32 digest, bytes32 equipment, uint32 epoch, uint32 current);

    /// @notice No such proposal is recorded. Retry class: wait.
    /// @param digest the refused operation
    /// @param proposal digest of the proposal
    error RecoveryUnknown(bytes32 digest, bytes32 proposal);
    /// @notice The proposal concerns unit `concerned`. Retry class: refuse.
    /// @param digest the refused operation
    /// @param proposal digest of the proposal
    /// @param concerned the unit that the proposal is for
    error RecoveryOfOtherUnit(bytes32 digest, bytes32 proposal, uint32 concerned);
    /// @notice The proposal can be completed only after `until`. Retry class: wait.
    /// @param digest the refused operation
    /// @param until Unix seconds
    error RecoveryTooEarly(bytes32 digest, uint256 until);
    /// @notice The proposal could be vetoed until `until`. Retry class: refuse.
    /// @param digest the refused operation
    /// @param proposal digest of the proposal
    /// @param until Unix seconds
    error RecoveryVetoTooLate(bytes32 digest, bytes32 proposal, uint256 until);
    /// @notice An administrator of the unit has vetoed the proposal. Retry class: refuse.
    /// @param digest the refused operation
    /// @param proposal digest of the proposal
    error RecoveryIsVetoed(bytes32 digest, bytes32 proposal);

    /// @notice An erasure needs two different signers. Retry class: refuse.
    /// @param digest the refused operation
    /// @param signer the signer id
    error CountersignerIsSigner(bytes32 digest, bytes32 signer);
    /// @notice The unit has erased this subject's personal fields by `recorded`. Retry class:
    /// refuse.
    /// @param digest the refused operation
    /// @param subject digest of the operation that was to be erased
    /// @param recorded digest of the erasure that is recorded
    error ErasureConflict(bytes32 digest, bytes32 subject, bytes32 recorded);

    // -------------------------------------------------------------------------------------- events

    /// @notice A unit was admitted. SignerEnrolled of the same digest and head follows.
    /// @param digest the operation's EIP-712 digest
    /// @param unit the unit's number
    /// @param administrator signer id of the unit's first administrator
    /// @param roles bit set, see UnitAdmission
    /// @param custody who holds the key, see UnitAdmission
    /// @param validUntil Unix seconds; 0 means no expiry
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event UnitAdmitted(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 indexed administrator,
        uint16 roles,
        uint8 custody,
        uint64 validUntil,
        bytes32 record,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice A unit was closed: its signers can do nothing any more, its history stays.
    /// @param digest the operation's EIP-712 digest
    /// @param unit the unit's number
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event UnitClosed(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 record,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice A key acts for a unit from now on.
    /// @param digest the operation's EIP-712 digest
    /// @param unit the unit's number
    /// @param signer signer id of the key
    /// @param duties bit set, see SignerEnrolment
    /// @param custody who holds the key, see UnitAdmission
    /// @param validFrom Unix seconds
    /// @param validUntil Unix seconds; 0 means no expiry
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the administrator; 0 when the authority enrolled it by
    /// admission
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    /// @param key the key's raw ERC-7913 bytes
    event SignerEnrolled(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 indexed signer,
        uint32 duties,
        uint8 custody,
        uint64 validFrom,
        uint64 validUntil,
        bytes32 record,
        bytes32 signedBy,
        uint64 signedAt,
        bytes32 head,
        bytes key
    );
    /// @notice A key no longer acts, for ever.
    /// @param digest the operation's EIP-712 digest
    /// @param unit the unit's number
    /// @param signer signer id of the key
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the key that signed for the unit
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event SignerRevoked(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 indexed signer,
        bytes32 record,
        bytes32 signedBy,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice A machine is in service.
    /// @param digest the operation's EIP-712 digest
    /// @param unit the unit's number
    /// @param equipment the equipment id
    /// @param serial keccak256 of the maker's serial number in UTF-8
    /// @param kind see EquipmentRegistration
    /// @param epoch the counter epoch
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the key that signed for the unit
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event EquipmentRegistered(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 indexed equipment,
        bytes32 serial,
        uint8 kind,
        uint32 epoch,
        bytes32 record,
        bytes32 signedBy,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice A machine's state or counter epoch changed.
    /// @param digest the operation's EIP-712 digest
    /// @param unit the unit's number
    /// @param equipment the equipment id
    /// @param state see EquipmentChange
    /// @param epoch the counter epoch
    /// @param replaces digest of the operation that this one supersedes; 0 when there is none
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the key that signed for the unit
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event EquipmentChanged(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 indexed equipment,
        uint8 state,
        uint32 epoch,
        bytes32 replaces,
        bytes32 record,
        bytes32 signedBy,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice The authority proposed a new administrator; the unit may veto for RECOVERY_DELAY.
    /// @param digest the operation's EIP-712 digest
    /// @param unit the unit's number
    /// @param signer signer id of the key
    /// @param custody who holds the key, see UnitAdmission
    /// @param validUntil Unix seconds; 0 means no expiry
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    /// @param key the key's raw ERC-7913 bytes
    event RecoveryProposed(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 indexed signer,
        uint8 custody,
        uint64 validUntil,
        bytes32 record,
        uint64 signedAt,
        bytes32 head,
        bytes key
    );
    /// @notice An administrator of the unit vetoed the proposal, for ever.
    /// @param digest the operation's EIP-712 digest
    /// @param unit the unit's number
    /// @param proposal digest of the proposal
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the key that signed for the unit
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event RecoveryVetoed(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 indexed proposal,
        bytes32 record,
        bytes32 signedBy,
        uint64 signedAt,
        bytes32 head
    );
    /// @notice The proposed key became an administrator of the unit, valid from the proposal's
    /// signedAt.
    /// @param digest digest of the proposal; the head advances by
    /// keccak256(abi.encode(keccak256("steriledger.recovery.completed.v1"), digest))
    /// @param unit the unit's number
    /// @param signer signer id of the key
    /// @param head this ledger's running head after the operation
    event RecoveryCompleted(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 indexed signer,
        bytes32 head
    );
    /// @notice Two signers of a unit erased the personal fields of a record.
    /// @param digest the operation's EIP-712 digest
    /// @param unit the unit's number
    /// @param subject digest of the operation whose record's personal fields are erased
    /// @param record commitment of the record; 32 bytes, and nothing else of its content
    /// @param signedBy signer id of the key that signed for the unit
    /// @param countersignedBy signer id of the second key
    /// @param signedAt Unix seconds, as the operation states
    /// @param head this ledger's running head after the operation
    event RecordErased(
        bytes32 indexed digest,
        uint32 indexed unit,
        bytes32 indexed subject,
        bytes32 record,
        bytes32 signedBy,
        bytes32 countersignedBy,
        uint64 signedAt,
        bytes32 head
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

    /// @notice Enrols keys. A key belongs to one unit, and keeps its duties, for ever.
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

    /// @notice Reverts unless the proof's key acts for `unit` with every bit of `duty`, is neither
    /// revoked nor outside its validity at `signedAt`, and signed `digest`; and unless `signedAt` is
    /// at most SKEW_SECONDS after the block time.
    /// @param digest the EIP-712 digest of the operation, of whichever ledger
    /// @param unit the unit for which the operation is done
    /// @param signedBy the signer id that the operation names
    /// @param duty the duty bits that the operation needs
    /// @param signedAt Unix seconds, as the operation states
    /// @param proof the key and its signature
    function requireDuty(
        bytes32 digest,
        uint32 unit,
        bytes32 signedBy,
        uint32 duty,
        uint64 signedAt,
        Proof calldata proof
    ) external view;

    /// @notice Reverts unless the machine is `unit`'s, in service, and its counter is in `epoch`.
    /// @param digest the operation that needs it, for the error
    /// @param equipment the equipment id
    /// @param unit the unit that must own the machine
    /// @param epoch the epoch that must be the current one
    function requireInService(
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
    /// @return duties bit set
    /// @return validFrom Unix seconds
    /// @return validUntil Unix seconds; 0 means no expiry
    /// @return revoked whether it is revoked
    function getSigner(
        bytes32 signer
    )
        external
        view
        returns (uint32 unit, uint32 duties, uint64 validFrom, uint64 validUntil, bool revoked);

    /// @notice What is stored of a machine.
    /// @param equipment the equipment id
    /// @return unit the unit that owns it; 0 when it is unknown
    /// @return state 1 in service, 2 out of service, 3 retired
    /// @return epoch the current counter epoch
    /// @return latest the digest that the next change has to replace
    function getEquipment(
        bytes32 equipment
    ) external view returns (uint32 unit, uint8 state, uint32 epoch, bytes32 latest);

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
