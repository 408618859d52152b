// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IContributionLedger} from "./interfaces/IContributionLedger.sol";
import {IUnitRegistry, Proof} from "./interfaces/IUnitRegistry.sol";
import {Ledger} from "./Ledger.sol";
import {Rights} from "./Rights.sol";

/// @title ContributionLedger
/// @notice Records services between units, and corrections that never leave more than there was.
contract ContributionLedger is IContributionLedger, Ledger {
    // --------------------------------------------------------------------------------- constants

    bytes32 private constant SERVICE_TYPEHASH = keccak256(
        "Service(uint32 unit,uint32 consumer,uint16 kind,uint16 serviceClass,int48 quantity,bytes32 subject,uint64 happenedAt,bytes32 corrects,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );

    // ----------------------------------------------------------------------------------- storage

    /// One service, without its corrections' own digests.
    struct Stored {
        bytes20 series; // hash of provider, consumer, kind, class and subject
        uint48 quantity; // as it was recorded
        uint48 left; // what its corrections leave of it
    }

    mapping(bytes32 service => Stored) private _services;

    // ------------------------------------------------------------------------------- constructor

    constructor(IUnitRegistry registry_) Ledger(registry_) {}

    // ------------------------------------------------------------------------------------ record

    /// @inheritdoc IContributionLedger
    function recordServices(Service[] calldata operations, Proof[] calldata signers) external {
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) _recordService(operations[i], signers[i]);
    }

    // ------------------------------------------------------------------------------------- views

    /// @inheritdoc IContributionLedger
    function getService(bytes32 service) external view returns (uint48 quantity, uint48 left) {
        Stored storage stored = _services[service];
        return (stored.quantity, stored.left);
    }

    // ---------------------------------------------------------------------------------- internal

    function _recordService(Service memory act, Proof calldata proof) private {
        bytes32 digest = _digest(abi.encode(SERVICE_TYPEHASH, act));
        bool isCorrection = act.corrects != 0;
        if (isCorrection ? _recorded[digest] : _services[digest].series != 0) return;
        _requireRange(digest, "kind", act.kind, 1, type(uint16).max);
        registry.requireRight(digest, act.unit, act.signedBy, Rights.SETTLE, act.signedAt, proof);

        if (isCorrection) _correct(digest, act);
        else _provide(digest, act);
        bytes32 about = isCorrection ? act.corrects : act.subject;
        emit ServiceRecorded(digest, about, act.unit, _advance(digest), act);
    }

    function _provide(bytes32 digest, Service memory act) private {
        int48 quantity = act.quantity;
        require(quantity > 0, OutOfRange(digest, "quantity", quantity, 1, int256(type(int48).max)));
        registry.requireAdmitted(digest, act.consumer);
        uint48 whole = uint48(quantity); // > 0
        _services[digest] = Stored({series: _series(act), quantity: whole, left: whole});
    }

    /// The consumer may be closed by now: what it was charged can still be set right.
    function _correct(bytes32 digest, Service memory act) private {
        Stored storage stored = _services[act.corrects];
        bytes20 series = stored.series;
        require(series != 0, NotYetRecorded(digest, "corrects", act.corrects));
        require(series == _series(act), NotAllowed(digest, "corrects", uint256(act.corrects)));
        int256 whole = int256(uint256(stored.quantity));
        int256 left = int256(uint256(stored.left)) + act.quantity;
        require(act.quantity != 0, OutOfRange(digest, "quantity", 0, -whole, whole));
        require(left >= 0 && left <= whole, OutOfRange(digest, "left", left, 0, whole));

        stored.left = uint48(uint256(left)); // at most `quantity`, a uint48
        _recorded[digest] = true;
    }

    function _series(Service memory act) private pure returns (bytes20) {
        return
            bytes20(
                keccak256(
                    abi.encode(act.unit, act.consumer, act.kind, act.serviceClass, act.subject)
                )
            );
    }
}
