// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Written by scripts/solidity_support.py from the ABIs in artifacts/.

import {IContributionLedger} from "../../../contracts/interfaces/IContributionLedger.sol";
import {ICustodyLedger} from "../../../contracts/interfaces/ICustodyLedger.sol";
import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IErrors} from "../../../contracts/interfaces/IErrors.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {IWitnesses} from "../../../contracts/interfaces/IWitnesses.sol";
import {Actors} from "./Actors.sol";

/// Every operation and every error, as the tests build, sign, send, expect and refuse them.
abstract contract Operations is Actors {
    function allKinds() internal pure returns (string[] memory kinds) {
        kinds = new string[](23);
        kinds[0] = "UnitAdmission";
        kinds[1] = "EquipmentChange";
        kinds[2] = "UnitClosure";
        kinds[3] = "SignerEnrolment";
        kinds[4] = "RecordErasure";
        kinds[5] = "RecoveryProposal";
        kinds[6] = "EquipmentRegistration";
        kinds[7] = "SignerRevocation";
        kinds[8] = "RecoveryVeto";
        kinds[9] = "CycleDecision";
        kinds[10] = "LoadDeclaration";
        kinds[11] = "CycleEnding";
        kinds[12] = "CycleOpening";
        kinds[13] = "CycleVoid";
        kinds[14] = "AssetChange";
        kinds[15] = "Dispatch";
        kinds[16] = "Disposition";
        kinds[17] = "ClosedUnitDisposition";
        kinds[18] = "HandOver";
        kinds[19] = "AssetRegistration";
        kinds[20] = "TakeOver";
        kinds[21] = "Service";
        kinds[22] = "Witness";
    }

    function structHash(string memory kind, bytes memory encoded) internal pure returns (bytes32) {
        if (keccak256(bytes(kind)) == keccak256("UnitAdmission"))
            return structHash(abi.decode(encoded, (IUnitRegistry.UnitAdmission)));
        if (keccak256(bytes(kind)) == keccak256("EquipmentChange"))
            return structHash(abi.decode(encoded, (IUnitRegistry.EquipmentChange)));
        if (keccak256(bytes(kind)) == keccak256("UnitClosure"))
            return structHash(abi.decode(encoded, (IUnitRegistry.UnitClosure)));
        if (keccak256(bytes(kind)) == keccak256("SignerEnrolment"))
            return structHash(abi.decode(encoded, (IUnitRegistry.SignerEnrolment)));
        if (keccak256(bytes(kind)) == keccak256("RecordErasure"))
            return structHash(abi.decode(encoded, (IUnitRegistry.RecordErasure)));
        if (keccak256(bytes(kind)) == keccak256("RecoveryProposal"))
            return structHash(abi.decode(encoded, (IUnitRegistry.RecoveryProposal)));
        if (keccak256(bytes(kind)) == keccak256("EquipmentRegistration"))
            return structHash(abi.decode(encoded, (IUnitRegistry.EquipmentRegistration)));
        if (keccak256(bytes(kind)) == keccak256("SignerRevocation"))
            return structHash(abi.decode(encoded, (IUnitRegistry.SignerRevocation)));
        if (keccak256(bytes(kind)) == keccak256("RecoveryVeto"))
            return structHash(abi.decode(encoded, (IUnitRegistry.RecoveryVeto)));
        if (keccak256(bytes(kind)) == keccak256("CycleDecision"))
            return structHash(abi.decode(encoded, (ICycleLedger.CycleDecision)));
        if (keccak256(bytes(kind)) == keccak256("LoadDeclaration"))
            return structHash(abi.decode(encoded, (ICycleLedger.LoadDeclaration)));
        if (keccak256(bytes(kind)) == keccak256("CycleEnding"))
            return structHash(abi.decode(encoded, (ICycleLedger.CycleEnding)));
        if (keccak256(bytes(kind)) == keccak256("CycleOpening"))
            return structHash(abi.decode(encoded, (ICycleLedger.CycleOpening)));
        if (keccak256(bytes(kind)) == keccak256("CycleVoid"))
            return structHash(abi.decode(encoded, (ICycleLedger.CycleVoid)));
        if (keccak256(bytes(kind)) == keccak256("AssetChange"))
            return structHash(abi.decode(encoded, (ICustodyLedger.AssetChange)));
        if (keccak256(bytes(kind)) == keccak256("Dispatch"))
            return structHash(abi.decode(encoded, (ICustodyLedger.Dispatch)));
        if (keccak256(bytes(kind)) == keccak256("Disposition"))
            return structHash(abi.decode(encoded, (ICustodyLedger.Disposition)));
        if (keccak256(bytes(kind)) == keccak256("ClosedUnitDisposition"))
            return structHash(abi.decode(encoded, (ICustodyLedger.ClosedUnitDisposition)));
        if (keccak256(bytes(kind)) == keccak256("HandOver"))
            return structHash(abi.decode(encoded, (ICustodyLedger.HandOver)));
        if (keccak256(bytes(kind)) == keccak256("AssetRegistration"))
            return structHash(abi.decode(encoded, (ICustodyLedger.AssetRegistration)));
        if (keccak256(bytes(kind)) == keccak256("TakeOver"))
            return structHash(abi.decode(encoded, (ICustodyLedger.TakeOver)));
        if (keccak256(bytes(kind)) == keccak256("Service"))
            return structHash(abi.decode(encoded, (IContributionLedger.Service)));
        if (keccak256(bytes(kind)) == keccak256("Witness"))
            return structHash(abi.decode(encoded, (IWitnesses.Witness)));
        revert(kind);
    }

    // UnitAdmission

    function one(IUnitRegistry.UnitAdmission memory act) internal pure returns (IUnitRegistry.UnitAdmission[] memory batch) {
        batch = new IUnitRegistry.UnitAdmission[](1);
        batch[0] = act;
    }

    function structHash(IUnitRegistry.UnitAdmission memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("UnitAdmission(uint32 unit,uint16 roles,bytes32 administrator,uint8 custody,uint64 validUntil,bytes32 record,uint64 signedAt)"), act));
    }

    function digestOf(IUnitRegistry.UnitAdmission memory act) internal view returns (bytes32) {
        return digestAt(address(registry), structHash(act));
    }

    function encode(IUnitRegistry.UnitAdmission memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IUnitRegistry.admitUnits, (one(act), one(signature(authority, digest)), one(proofOf(act.administrator, digest))));
    }

    function send(IUnitRegistry.UnitAdmission memory act) internal returns (bytes32) {
        relay(address(registry), encode(act));
        return digestOf(act);
    }

    function refuse(IUnitRegistry.UnitAdmission memory act, bytes memory expected) internal {
        refuseCall(address(registry), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IUnitRegistry.UnitAdmission memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.UnitAdmitted(digest, about, act.unit, head, act, proofOf(act.administrator, digest).signer);
    }

    // EquipmentChange

    function one(IUnitRegistry.EquipmentChange memory act) internal pure returns (IUnitRegistry.EquipmentChange[] memory batch) {
        batch = new IUnitRegistry.EquipmentChange[](1);
        batch[0] = act;
    }

    function structHash(IUnitRegistry.EquipmentChange memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("EquipmentChange(bytes32 equipment,uint32 unit,uint8 state,uint32 epoch,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(IUnitRegistry.EquipmentChange memory act) internal view returns (bytes32) {
        return digestAt(address(registry), structHash(act));
    }

    function encode(IUnitRegistry.EquipmentChange memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IUnitRegistry.changeEquipment, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(IUnitRegistry.EquipmentChange memory act) internal returns (bytes32) {
        relay(address(registry), encode(act));
        return digestOf(act);
    }

    function refuse(IUnitRegistry.EquipmentChange memory act, bytes memory expected) internal {
        refuseCall(address(registry), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IUnitRegistry.EquipmentChange memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.EquipmentChanged(digest, about, act.unit, head, act);
    }

    // UnitClosure

    function one(IUnitRegistry.UnitClosure memory act) internal pure returns (IUnitRegistry.UnitClosure[] memory batch) {
        batch = new IUnitRegistry.UnitClosure[](1);
        batch[0] = act;
    }

    function structHash(IUnitRegistry.UnitClosure memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("UnitClosure(uint32 unit,bytes32 record,uint64 signedAt)"), act));
    }

    function digestOf(IUnitRegistry.UnitClosure memory act) internal view returns (bytes32) {
        return digestAt(address(registry), structHash(act));
    }

    function encode(IUnitRegistry.UnitClosure memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IUnitRegistry.closeUnits, (one(act), one(signature(authority, digest))));
    }

    function send(IUnitRegistry.UnitClosure memory act) internal returns (bytes32) {
        relay(address(registry), encode(act));
        return digestOf(act);
    }

    function refuse(IUnitRegistry.UnitClosure memory act, bytes memory expected) internal {
        refuseCall(address(registry), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IUnitRegistry.UnitClosure memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.UnitClosed(digest, about, act.unit, head, act);
    }

    // SignerEnrolment

    function one(IUnitRegistry.SignerEnrolment memory act) internal pure returns (IUnitRegistry.SignerEnrolment[] memory batch) {
        batch = new IUnitRegistry.SignerEnrolment[](1);
        batch[0] = act;
    }

    function structHash(IUnitRegistry.SignerEnrolment memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("SignerEnrolment(uint32 unit,bytes32 signer,uint32 rights,uint8 custody,uint64 validFrom,uint64 validUntil,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(IUnitRegistry.SignerEnrolment memory act) internal view returns (bytes32) {
        return digestAt(address(registry), structHash(act));
    }

    function encode(IUnitRegistry.SignerEnrolment memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IUnitRegistry.enrolSigners, (one(act), one(proofOf(act.signedBy, digest)), one(proofOf(act.signer, digest))));
    }

    function send(IUnitRegistry.SignerEnrolment memory act) internal returns (bytes32) {
        relay(address(registry), encode(act));
        return digestOf(act);
    }

    function refuse(IUnitRegistry.SignerEnrolment memory act, bytes memory expected) internal {
        refuseCall(address(registry), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IUnitRegistry.SignerEnrolment memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.SignerEnrolled(digest, about, act.unit, head, act, proofOf(act.signer, digest).signer);
    }

    // RecordErasure

    function one(IUnitRegistry.RecordErasure memory act) internal pure returns (IUnitRegistry.RecordErasure[] memory batch) {
        batch = new IUnitRegistry.RecordErasure[](1);
        batch[0] = act;
    }

    function structHash(IUnitRegistry.RecordErasure memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("RecordErasure(uint32 unit,bytes32 subject,bytes32 record,bytes32 signedBy,bytes32 countersignedBy,uint64 signedAt)"), act));
    }

    function digestOf(IUnitRegistry.RecordErasure memory act) internal view returns (bytes32) {
        return digestAt(address(registry), structHash(act));
    }

    function encode(IUnitRegistry.RecordErasure memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IUnitRegistry.eraseRecords, (one(act), one(proofOf(act.signedBy, digest)), one(proofOf(act.countersignedBy, digest))));
    }

    function send(IUnitRegistry.RecordErasure memory act) internal returns (bytes32) {
        relay(address(registry), encode(act));
        return digestOf(act);
    }

    function refuse(IUnitRegistry.RecordErasure memory act, bytes memory expected) internal {
        refuseCall(address(registry), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IUnitRegistry.RecordErasure memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.RecordErased(digest, about, act.unit, head, act);
    }

    // RecoveryProposal

    function one(IUnitRegistry.RecoveryProposal memory act) internal pure returns (IUnitRegistry.RecoveryProposal[] memory batch) {
        batch = new IUnitRegistry.RecoveryProposal[](1);
        batch[0] = act;
    }

    function structHash(IUnitRegistry.RecoveryProposal memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("RecoveryProposal(uint32 unit,bytes32 signer,uint8 custody,uint64 validUntil,bytes32 record,uint64 signedAt)"), act));
    }

    function digestOf(IUnitRegistry.RecoveryProposal memory act) internal view returns (bytes32) {
        return digestAt(address(registry), structHash(act));
    }

    function encode(IUnitRegistry.RecoveryProposal memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IUnitRegistry.proposeRecoveries, (one(act), one(signature(authority, digest)), one(proofOf(act.signer, digest))));
    }

    function send(IUnitRegistry.RecoveryProposal memory act) internal returns (bytes32) {
        relay(address(registry), encode(act));
        return digestOf(act);
    }

    function refuse(IUnitRegistry.RecoveryProposal memory act, bytes memory expected) internal {
        refuseCall(address(registry), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IUnitRegistry.RecoveryProposal memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.RecoveryProposed(digest, about, act.unit, head, act, proofOf(act.signer, digest).signer);
    }

    // EquipmentRegistration

    function one(IUnitRegistry.EquipmentRegistration memory act) internal pure returns (IUnitRegistry.EquipmentRegistration[] memory batch) {
        batch = new IUnitRegistry.EquipmentRegistration[](1);
        batch[0] = act;
    }

    function structHash(IUnitRegistry.EquipmentRegistration memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("EquipmentRegistration(uint32 unit,bytes32 serial,uint8 kind,uint32 epoch,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(IUnitRegistry.EquipmentRegistration memory act) internal view returns (bytes32) {
        return digestAt(address(registry), structHash(act));
    }

    function encode(IUnitRegistry.EquipmentRegistration memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IUnitRegistry.registerEquipment, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(IUnitRegistry.EquipmentRegistration memory act) internal returns (bytes32) {
        relay(address(registry), encode(act));
        return digestOf(act);
    }

    function refuse(IUnitRegistry.EquipmentRegistration memory act, bytes memory expected) internal {
        refuseCall(address(registry), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IUnitRegistry.EquipmentRegistration memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.EquipmentRegistered(digest, about, act.unit, head, act);
    }

    // SignerRevocation

    function one(IUnitRegistry.SignerRevocation memory act) internal pure returns (IUnitRegistry.SignerRevocation[] memory batch) {
        batch = new IUnitRegistry.SignerRevocation[](1);
        batch[0] = act;
    }

    function structHash(IUnitRegistry.SignerRevocation memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("SignerRevocation(uint32 unit,bytes32 signer,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(IUnitRegistry.SignerRevocation memory act) internal view returns (bytes32) {
        return digestAt(address(registry), structHash(act));
    }

    function encode(IUnitRegistry.SignerRevocation memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IUnitRegistry.revokeSigners, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(IUnitRegistry.SignerRevocation memory act) internal returns (bytes32) {
        relay(address(registry), encode(act));
        return digestOf(act);
    }

    function refuse(IUnitRegistry.SignerRevocation memory act, bytes memory expected) internal {
        refuseCall(address(registry), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IUnitRegistry.SignerRevocation memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.SignerRevoked(digest, about, act.unit, head, act);
    }

    // RecoveryVeto

    function one(IUnitRegistry.RecoveryVeto memory act) internal pure returns (IUnitRegistry.RecoveryVeto[] memory batch) {
        batch = new IUnitRegistry.RecoveryVeto[](1);
        batch[0] = act;
    }

    function structHash(IUnitRegistry.RecoveryVeto memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("RecoveryVeto(uint32 unit,bytes32 proposal,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(IUnitRegistry.RecoveryVeto memory act) internal view returns (bytes32) {
        return digestAt(address(registry), structHash(act));
    }

    function encode(IUnitRegistry.RecoveryVeto memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IUnitRegistry.vetoRecoveries, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(IUnitRegistry.RecoveryVeto memory act) internal returns (bytes32) {
        relay(address(registry), encode(act));
        return digestOf(act);
    }

    function refuse(IUnitRegistry.RecoveryVeto memory act, bytes memory expected) internal {
        refuseCall(address(registry), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IUnitRegistry.RecoveryVeto memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.RecoveryVetoed(digest, about, act.unit, head, act);
    }

    // CycleDecision

    function one(ICycleLedger.CycleDecision memory act) internal pure returns (ICycleLedger.CycleDecision[] memory batch) {
        batch = new ICycleLedger.CycleDecision[](1);
        batch[0] = act;
    }

    function structHash(ICycleLedger.CycleDecision memory act) internal pure returns (bytes32) {
        bytes memory hashes;
        for (uint256 i = 0; i < act.shares.length; ++i) {
            bytes32 line = keccak256(abi.encode(keccak256("Share(uint32 owner,uint32 payer,uint16 packageClass,int32 delta)"), act.shares[i]));
            hashes = bytes.concat(hashes, line);
        }
        return keccak256(abi.encode(keccak256("CycleDecision(bytes32 cycle,uint32 unit,uint8 kind,bytes32 ending,bytes32 load,bytes32 replaces,Share[] shares,bytes32 record,bytes32 signedBy,uint64 signedAt)Share(uint32 owner,uint32 payer,uint16 packageClass,int32 delta)"), act.cycle, act.unit, act.kind, act.ending, act.load, act.replaces, keccak256(hashes), act.record, act.signedBy, act.signedAt));
    }

    function digestOf(ICycleLedger.CycleDecision memory act) internal view returns (bytes32) {
        return digestAt(address(ledger), structHash(act));
    }

    function encode(ICycleLedger.CycleDecision memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICycleLedger.decideCycles, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICycleLedger.CycleDecision memory act) internal returns (bytes32) {
        relay(address(ledger), encode(act));
        return digestOf(act);
    }

    function refuse(ICycleLedger.CycleDecision memory act, bytes memory expected) internal {
        refuseCall(address(ledger), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICycleLedger.CycleDecision memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(ledger.head(), digest);
        vm.expectEmit(address(ledger));
        emit ICycleLedger.CycleDecided(digest, about, act.unit, head, act);
    }

    // LoadDeclaration

    function one(ICycleLedger.LoadDeclaration memory act) internal pure returns (ICycleLedger.LoadDeclaration[] memory batch) {
        batch = new ICycleLedger.LoadDeclaration[](1);
        batch[0] = act;
    }

    function structHash(ICycleLedger.LoadDeclaration memory act) internal pure returns (bytes32) {
        bytes memory hashes;
        for (uint256 i = 0; i < act.totals.length; ++i) {
            bytes32 line = keccak256(abi.encode(keccak256("ClassTotal(uint16 packageClass,uint32 quantity)"), act.totals[i]));
            hashes = bytes.concat(hashes, line);
        }
        return keccak256(abi.encode(keccak256("LoadDeclaration(bytes32 cycle,uint32 unit,ClassTotal[] totals,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)ClassTotal(uint16 packageClass,uint32 quantity)"), act.cycle, act.unit, keccak256(hashes), act.replaces, act.record, act.signedBy, act.signedAt));
    }

    function digestOf(ICycleLedger.LoadDeclaration memory act) internal view returns (bytes32) {
        return digestAt(address(ledger), structHash(act));
    }

    function encode(ICycleLedger.LoadDeclaration memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICycleLedger.declareLoads, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICycleLedger.LoadDeclaration memory act) internal returns (bytes32) {
        relay(address(ledger), encode(act));
        return digestOf(act);
    }

    function refuse(ICycleLedger.LoadDeclaration memory act, bytes memory expected) internal {
        refuseCall(address(ledger), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICycleLedger.LoadDeclaration memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(ledger.head(), digest);
        vm.expectEmit(address(ledger));
        emit ICycleLedger.LoadDeclared(digest, about, act.unit, head, act);
    }

    // CycleEnding

    function one(ICycleLedger.CycleEnding memory act) internal pure returns (ICycleLedger.CycleEnding[] memory batch) {
        batch = new ICycleLedger.CycleEnding[](1);
        batch[0] = act;
    }

    function structHash(ICycleLedger.CycleEnding memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("CycleEnding(bytes32 cycle,uint32 unit,uint8 outcome,uint8 verdict,uint64 endedAt,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(ICycleLedger.CycleEnding memory act) internal view returns (bytes32) {
        return digestAt(address(ledger), structHash(act));
    }

    function encode(ICycleLedger.CycleEnding memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICycleLedger.endCycles, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICycleLedger.CycleEnding memory act) internal returns (bytes32) {
        relay(address(ledger), encode(act));
        return digestOf(act);
    }

    function refuse(ICycleLedger.CycleEnding memory act, bytes memory expected) internal {
        refuseCall(address(ledger), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICycleLedger.CycleEnding memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(ledger.head(), digest);
        vm.expectEmit(address(ledger));
        emit ICycleLedger.CycleEnded(digest, about, act.unit, head, act);
    }

    // CycleOpening

    function one(ICycleLedger.CycleOpening memory act) internal pure returns (ICycleLedger.CycleOpening[] memory batch) {
        batch = new ICycleLedger.CycleOpening[](1);
        batch[0] = act;
    }

    function structHash(ICycleLedger.CycleOpening memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("CycleOpening(bytes32 equipment,uint32 unit,uint32 epoch,uint64 number,uint64 startedAt,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(ICycleLedger.CycleOpening memory act) internal view returns (bytes32) {
        return digestAt(address(ledger), structHash(act));
    }

    function encode(ICycleLedger.CycleOpening memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICycleLedger.openCycles, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICycleLedger.CycleOpening memory act) internal returns (bytes32) {
        relay(address(ledger), encode(act));
        return digestOf(act);
    }

    function refuse(ICycleLedger.CycleOpening memory act, bytes memory expected) internal {
        refuseCall(address(ledger), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICycleLedger.CycleOpening memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(ledger.head(), digest);
        vm.expectEmit(address(ledger));
        emit ICycleLedger.CycleOpened(digest, about, act.unit, head, act);
    }

    // CycleVoid

    function one(ICycleLedger.CycleVoid memory act) internal pure returns (ICycleLedger.CycleVoid[] memory batch) {
        batch = new ICycleLedger.CycleVoid[](1);
        batch[0] = act;
    }

    function structHash(ICycleLedger.CycleVoid memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("CycleVoid(bytes32 cycle,uint32 unit,bytes32 opening,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(ICycleLedger.CycleVoid memory act) internal view returns (bytes32) {
        return digestAt(address(ledger), structHash(act));
    }

    function encode(ICycleLedger.CycleVoid memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICycleLedger.voidCycles, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICycleLedger.CycleVoid memory act) internal returns (bytes32) {
        relay(address(ledger), encode(act));
        return digestOf(act);
    }

    function refuse(ICycleLedger.CycleVoid memory act, bytes memory expected) internal {
        refuseCall(address(ledger), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICycleLedger.CycleVoid memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(ledger.head(), digest);
        vm.expectEmit(address(ledger));
        emit ICycleLedger.CycleVoided(digest, about, act.unit, head, act);
    }

    // AssetChange

    function one(ICustodyLedger.AssetChange memory act) internal pure returns (ICustodyLedger.AssetChange[] memory batch) {
        batch = new ICustodyLedger.AssetChange[](1);
        batch[0] = act;
    }

    function structHash(ICustodyLedger.AssetChange memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("AssetChange(bytes32 asset,uint32 unit,uint8 state,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(ICustodyLedger.AssetChange memory act) internal view returns (bytes32) {
        return digestAt(address(custody), structHash(act));
    }

    function encode(ICustodyLedger.AssetChange memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICustodyLedger.changeAssets, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICustodyLedger.AssetChange memory act) internal returns (bytes32) {
        relay(address(custody), encode(act));
        return digestOf(act);
    }

    function refuse(ICustodyLedger.AssetChange memory act, bytes memory expected) internal {
        refuseCall(address(custody), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICustodyLedger.AssetChange memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(custody.head(), digest);
        vm.expectEmit(address(custody));
        emit ICustodyLedger.AssetChanged(digest, about, act.unit, head, act);
    }

    // Dispatch

    function one(ICustodyLedger.Dispatch memory act) internal pure returns (ICustodyLedger.Dispatch[] memory batch) {
        batch = new ICustodyLedger.Dispatch[](1);
        batch[0] = act;
    }

    function structHash(ICustodyLedger.Dispatch memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Dispatch(uint32 unit,bytes32 slip,uint32 receiver,uint8 purpose,uint16 packages,bytes32 asset,uint32 taker,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(ICustodyLedger.Dispatch memory act) internal view returns (bytes32) {
        return digestAt(address(custody), structHash(act));
    }

    function encode(ICustodyLedger.Dispatch memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICustodyLedger.dispatch, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICustodyLedger.Dispatch memory act) internal returns (bytes32) {
        relay(address(custody), encode(act));
        return digestOf(act);
    }

    function refuse(ICustodyLedger.Dispatch memory act, bytes memory expected) internal {
        refuseCall(address(custody), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICustodyLedger.Dispatch memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(custody.head(), digest);
        vm.expectEmit(address(custody));
        emit ICustodyLedger.Dispatched(digest, about, act.unit, head, act);
    }

    // Disposition

    function one(ICustodyLedger.Disposition memory act) internal pure returns (ICustodyLedger.Disposition[] memory batch) {
        batch = new ICustodyLedger.Disposition[](1);
        batch[0] = act;
    }

    function structHash(ICustodyLedger.Disposition memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Disposition(bytes32 consignment,uint32 unit,uint8 kind,uint32 receiver,uint16 step,bytes32 previous,bytes32 asset,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(ICustodyLedger.Disposition memory act) internal view returns (bytes32) {
        return digestAt(address(custody), structHash(act));
    }

    function encode(ICustodyLedger.Disposition memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICustodyLedger.dispose, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICustodyLedger.Disposition memory act) internal returns (bytes32) {
        relay(address(custody), encode(act));
        return digestOf(act);
    }

    function refuse(ICustodyLedger.Disposition memory act, bytes memory expected) internal {
        refuseCall(address(custody), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICustodyLedger.Disposition memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(custody.head(), digest);
        vm.expectEmit(address(custody));
        emit ICustodyLedger.Disposed(digest, about, act.unit, head, act);
    }

    // ClosedUnitDisposition

    function one(ICustodyLedger.ClosedUnitDisposition memory act) internal pure returns (ICustodyLedger.ClosedUnitDisposition[] memory batch) {
        batch = new ICustodyLedger.ClosedUnitDisposition[](1);
        batch[0] = act;
    }

    function structHash(ICustodyLedger.ClosedUnitDisposition memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("ClosedUnitDisposition(bytes32 consignment,uint32 unit,uint8 kind,uint32 receiver,uint16 step,bytes32 previous,bytes32 asset,bytes32 record,uint64 signedAt)"), act));
    }

    function digestOf(ICustodyLedger.ClosedUnitDisposition memory act) internal view returns (bytes32) {
        return digestAt(address(custody), structHash(act));
    }

    function encode(ICustodyLedger.ClosedUnitDisposition memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICustodyLedger.disposeForClosed, (one(act), one(signature(authority, digest))));
    }

    function send(ICustodyLedger.ClosedUnitDisposition memory act) internal returns (bytes32) {
        relay(address(custody), encode(act));
        return digestOf(act);
    }

    function refuse(ICustodyLedger.ClosedUnitDisposition memory act, bytes memory expected) internal {
        refuseCall(address(custody), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICustodyLedger.ClosedUnitDisposition memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(custody.head(), digest);
        vm.expectEmit(address(custody));
        emit ICustodyLedger.DisposedForClosed(digest, about, act.unit, head, act);
    }

    // HandOver

    function one(ICustodyLedger.HandOver memory act) internal pure returns (ICustodyLedger.HandOver[] memory batch) {
        batch = new ICustodyLedger.HandOver[](1);
        batch[0] = act;
    }

    function structHash(ICustodyLedger.HandOver memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("HandOver(bytes32 consignment,uint32 unit,uint32 taker,uint8 leg,uint16 step,bytes32 previous,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(ICustodyLedger.HandOver memory act) internal view returns (bytes32) {
        return digestAt(address(custody), structHash(act));
    }

    function encode(ICustodyLedger.HandOver memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICustodyLedger.handOver, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICustodyLedger.HandOver memory act) internal returns (bytes32) {
        relay(address(custody), encode(act));
        return digestOf(act);
    }

    function refuse(ICustodyLedger.HandOver memory act, bytes memory expected) internal {
        refuseCall(address(custody), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICustodyLedger.HandOver memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(custody.head(), digest);
        vm.expectEmit(address(custody));
        emit ICustodyLedger.HandedOver(digest, about, act.unit, head, act);
    }

    // AssetRegistration

    function one(ICustodyLedger.AssetRegistration memory act) internal pure returns (ICustodyLedger.AssetRegistration[] memory batch) {
        batch = new ICustodyLedger.AssetRegistration[](1);
        batch[0] = act;
    }

    function structHash(ICustodyLedger.AssetRegistration memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("AssetRegistration(uint32 unit,bytes32 code,uint8 kind,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(ICustodyLedger.AssetRegistration memory act) internal view returns (bytes32) {
        return digestAt(address(custody), structHash(act));
    }

    function encode(ICustodyLedger.AssetRegistration memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICustodyLedger.registerAssets, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICustodyLedger.AssetRegistration memory act) internal returns (bytes32) {
        relay(address(custody), encode(act));
        return digestOf(act);
    }

    function refuse(ICustodyLedger.AssetRegistration memory act, bytes memory expected) internal {
        refuseCall(address(custody), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICustodyLedger.AssetRegistration memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(custody.head(), digest);
        vm.expectEmit(address(custody));
        emit ICustodyLedger.AssetRegistered(digest, about, act.unit, head, act);
    }

    // TakeOver

    function one(ICustodyLedger.TakeOver memory act) internal pure returns (ICustodyLedger.TakeOver[] memory batch) {
        batch = new ICustodyLedger.TakeOver[](1);
        batch[0] = act;
    }

    function structHash(ICustodyLedger.TakeOver memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("TakeOver(bytes32 consignment,uint32 unit,uint8 outcome,uint16 step,bytes32 previous,uint16 seen,uint16 inferred,uint16 refused,uint16 extra,bytes32 asset,bytes32 trip,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(ICustodyLedger.TakeOver memory act) internal view returns (bytes32) {
        return digestAt(address(custody), structHash(act));
    }

    function encode(ICustodyLedger.TakeOver memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(ICustodyLedger.takeOver, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(ICustodyLedger.TakeOver memory act) internal returns (bytes32) {
        relay(address(custody), encode(act));
        return digestOf(act);
    }

    function refuse(ICustodyLedger.TakeOver memory act, bytes memory expected) internal {
        refuseCall(address(custody), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(ICustodyLedger.TakeOver memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(custody.head(), digest);
        vm.expectEmit(address(custody));
        emit ICustodyLedger.TakenOver(digest, about, act.unit, head, act);
    }

    // Service

    function one(IContributionLedger.Service memory act) internal pure returns (IContributionLedger.Service[] memory batch) {
        batch = new IContributionLedger.Service[](1);
        batch[0] = act;
    }

    function structHash(IContributionLedger.Service memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Service(uint32 unit,uint32 consumer,uint16 kind,uint16 serviceClass,int48 quantity,bytes32 subject,uint64 happenedAt,bytes32 corrects,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(IContributionLedger.Service memory act) internal view returns (bytes32) {
        return digestAt(address(contributions), structHash(act));
    }

    function encode(IContributionLedger.Service memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IContributionLedger.recordServices, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(IContributionLedger.Service memory act) internal returns (bytes32) {
        relay(address(contributions), encode(act));
        return digestOf(act);
    }

    function refuse(IContributionLedger.Service memory act, bytes memory expected) internal {
        refuseCall(address(contributions), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IContributionLedger.Service memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(contributions.head(), digest);
        vm.expectEmit(address(contributions));
        emit IContributionLedger.ServiceRecorded(digest, about, act.unit, head, act);
    }

    // Witness

    function one(IWitnesses.Witness memory act) internal pure returns (IWitnesses.Witness[] memory batch) {
        batch = new IWitnesses.Witness[](1);
        batch[0] = act;
    }

    function structHash(IWitnesses.Witness memory act) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("Witness(uint16 kind,bytes32 about,uint32 unit,bytes32 content,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"), act));
    }

    function digestOf(IWitnesses.Witness memory act) internal view returns (bytes32) {
        return digestAt(address(witnesses), structHash(act));
    }

    function encode(IWitnesses.Witness memory act) internal view returns (bytes memory) {
        bytes32 digest = digestOf(act);
        return abi.encodeCall(IWitnesses.witness, (one(act), one(proofOf(act.signedBy, digest))));
    }

    function send(IWitnesses.Witness memory act) internal returns (bytes32) {
        relay(address(witnesses), encode(act));
        return digestOf(act);
    }

    function refuse(IWitnesses.Witness memory act, bytes memory expected) internal {
        refuseCall(address(witnesses), encode(act), expected);
    }

    /// Expects the operation's event next; returns the head that it says.
    function expectEvent(IWitnesses.Witness memory act, bytes32 about) internal returns (bytes32 head) {
        bytes32 digest = digestOf(act);
        head = fold(witnesses.head(), digest);
        vm.expectEmit(address(witnesses));
        emit IWitnesses.Witnessed(digest, about, act.unit, head, act);
    }

    function alreadyRecorded(bytes32 digest, bytes32 what, bytes32 id) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.AlreadyRecorded.selector, digest, what, id);
    }

    function batchInvalid(uint256 operations, uint256 proofs) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.BatchInvalid.selector, operations, proofs);
    }

    function deploymentInvalid(bytes32 what, uint256 value) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.DeploymentInvalid.selector, what, value);
    }

    function keyNotAllowed(bytes32 digest, address account) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.KeyNotAllowed.selector, digest, account);
    }

    function notAllowed(bytes32 digest, bytes32 what, uint256 value) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.NotAllowed.selector, digest, what, value);
    }

    function notCurrent(bytes32 digest, bytes32 what, bytes32 named, bytes32 current) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.NotCurrent.selector, digest, what, named, current);
    }

    function notYetRecorded(bytes32 digest, bytes32 what, bytes32 named) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.NotYetRecorded.selector, digest, what, named);
    }

    function ofAnotherUnit(bytes32 digest, bytes32 what, bytes32 id, uint32 unit) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.OfAnotherUnit.selector, digest, what, id, unit);
    }

    function outOfOrder(bytes32 digest, bytes32 what, uint256 index) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.OutOfOrder.selector, digest, what, index);
    }

    function outOfRange(bytes32 digest, bytes32 what, int256 value, int256 least, int256 most) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.OutOfRange.selector, digest, what, value, least, most);
    }

    function rightMissing(bytes32 digest, bytes32 signer, uint32 right, uint32 held) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.RightMissing.selector, digest, signer, right, held);
    }

    function signatureInvalid(bytes32 digest, bytes32 signer) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.SignatureInvalid.selector, digest, signer);
    }

    function tooEarly(bytes32 digest, bytes32 what, uint256 from) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.TooEarly.selector, digest, what, from);
    }

    function unknown(bytes32 digest, bytes32 what, bytes32 id) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IErrors.Unknown.selector, digest, what, id);
    }
}
