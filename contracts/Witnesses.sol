// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "./interfaces/ICycleLedger.sol";
import {IUnitRegistry, Proof} from "./interfaces/IUnitRegistry.sol";
import {IWitnesses, KindRow} from "./interfaces/IWitnesses.sol";
import {Ledger} from "./Ledger.sol";
import {Rights} from "./Rights.sol";

/// @title Witnesses
/// @notice Records what units and the authority say, by a table of kinds.
contract Witnesses is IWitnesses, Ledger {
    // --------------------------------------------------------------------------------- constants

    bytes32 private constant WITNESS_TYPEHASH = keccak256(
        "Witness(uint16 kind,bytes32 about,uint32 unit,bytes32 content,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );

    // Scopes.
    uint8 private constant OWN_CYCLE = 2;
    uint8 private constant OWN_MACHINE = 3;
    uint8 private constant THE_AUTHORITY = 4;
    // Modes.
    uint8 private constant STATE = 1;
    uint8 private constant ENTRY = 2;

    /// Stands where the series of a replaced entry stood.
    bytes32 private constant REPLACED = bytes32(uint256(1));

    // -------------------------------------------------------------------------------- immutables

    /// @inheritdoc IWitnesses
    ICycleLedger public immutable cycles;

    // ----------------------------------------------------------------------------------- storage
    // A series is the hash of kind, about and unit.

    mapping(uint16 kind => KindRow) private _kinds;
    mapping(bytes32 series => bytes32 digest) private _current; // of the kinds that are states
    mapping(bytes32 digest => bytes32 series) private _entries; // of the kinds that are entries

    // ------------------------------------------------------------------------------- constructor

    constructor(
        IUnitRegistry registry_,
        ICycleLedger cycles_,
        KindRow[] memory rows
    ) Ledger(registry_) {
        address target = address(cycles_);
        require(target.code.length != 0, DeploymentInvalid("cycles", uint160(target)));
        require(
            address(cycles_.registry()) == address(registry_),
            DeploymentInvalid("cycles", uint160(target))
        );
        cycles = cycles_;
        for (uint256 i = 0; i < rows.length; ++i) _add(rows[i]);
    }

    function _add(KindRow memory row) private {
        uint16 kind = row.kind;
        bool ofAuthority = row.scope == THE_AUTHORITY;
        require(kind != 0 && _kinds[kind].kind == 0, DeploymentInvalid("kind", kind));
        require(row.scope != 0 && row.scope <= THE_AUTHORITY, DeploymentInvalid("scope", kind));
        require(row.mode == STATE || row.mode == ENTRY, DeploymentInvalid("mode", kind));
        require((row.right == 0) == ofAuthority, DeploymentInvalid("right", kind));
        require(row.right <= Rights.ALL, DeploymentInvalid("right", kind));
        _kinds[kind] = row;
    }

    // ----------------------------------------------------------------------------------- witness

    /// @inheritdoc IWitnesses
    function witness(Witness[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _witness(operations[i], signers[i]);
    }

    // ------------------------------------------------------------------------------------- views

    /// @inheritdoc IWitnesses
    function getKind(uint16 kind) external view returns (KindRow memory row) {
        return _kinds[kind];
    }

    /// @inheritdoc IWitnesses
    function getCurrent(uint16 kind, bytes32 about, uint32 unit) external view returns (bytes32) {
        return _current[_series(kind, about, unit)];
    }

    /// @inheritdoc IWitnesses
    function isStanding(bytes32 digest) external view returns (bool) {
        bytes32 series = _entries[digest];
        return series != 0 && series != REPLACED;
    }

    // ---------------------------------------------------------------------------------- internal

    function _witness(Witness memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(WITNESS_TYPEHASH, act));
        KindRow memory row = _kinds[act.kind];
        require(row.kind != 0, NotAllowed(digest, "kind", act.kind));
        bytes32 series = _series(act.kind, act.about, act.unit);
        bool again =
            row.mode == STATE ? _isRecorded(digest, _current[series]) : _entries[digest] != 0;
        if (again) return;
        _requireScope(digest, row, act, proof);

        if (row.mode == STATE) {
            _supersede(digest, act.replaces, _current[series]);
            _current[series] = digest;
        } else {
            if (act.replaces != 0) _replace(digest, act.replaces, series);
            _entries[digest] = series;
        }
        emit Witnessed(digest, act.about, act.unit, _advance(digest), act);
    }

    function _requireScope(
        bytes32 digest,
        KindRow memory row,
        Witness memory act,
        Proof calldata proof
    ) private view {
        if (row.scope == THE_AUTHORITY) {
            _requireRange(digest, "unit", act.unit, 0, 0);
            require(act.signedBy == 0, NotAllowed(digest, "signedBy", uint256(act.signedBy)));
            registry.requireAuthority(digest, act.signedAt, proof.signature);
            return;
        }
        registry.requireRight(digest, act.unit, act.signedBy, row.right, act.signedAt, proof);
        if (row.scope == OWN_CYCLE) cycles.requireCycle(digest, act.about, act.unit);
        if (row.scope == OWN_MACHINE) registry.requireEquipment(digest, act.about, act.unit);
    }

    /// Reverts unless the named entry stands in the series; remembers that it no longer does.
    function _replace(bytes32 digest, bytes32 named, bytes32 series) private {
        bytes32 stored = _entries[named];
        require(stored != 0, NotYetRecorded(digest, "replaces", named));
        require(stored == series, NotCurrent(digest, "replaces", named, 0));
        _entries[named] = REPLACED;
    }

    function _series(uint16 kind, bytes32 about, uint32 unit) private pure returns (bytes32) {
        return keccak256(abi.encode(kind, about, unit));
    }
}
