// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";

/// EIP-712 struct hashes and ids, written a second time: the contracts are tested against these, and
/// tests/contracts tests them against a third implementation.
library TypedData {
    bytes32 private constant DOMAIN = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    // ------------------------------------------------------------------------------------ digest

    function digest(address ledger, bytes32 structHash) internal view returns (bytes32) {
        return digest(ledger, block.chainid, structHash);
    }

    function digest(
        address ledger,
        uint256 chainId,
        bytes32 structHash
    ) internal pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN, keccak256("SteriLedger"), keccak256("1"), chainId, ledger)
        );
        return keccak256(bytes.concat(hex"1901", domain, structHash));
    }

    // --------------------------------------------------------------------------------------- ids

    function signerId(bytes memory key) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.signer.v1"), key));
    }

    function equipmentId(uint32 unit, bytes32 serial) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.equipment.v1"), unit, serial));
    }

    function cycleId(
        bytes32 equipment,
        uint32 epoch,
        uint64 number
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.cycle.v1"), equipment, epoch, number));
    }

    function completion(bytes32 proposal) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("steriledger.recovery.completed.v1"), proposal));
    }

    // ------------------------------------------------------------------------------ struct hashes

    function hash(IUnitRegistry.UnitAdmission memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "UnitAdmission(uint32 unit,uint16 roles,bytes32 administrator,uint8 custody,uint64 validUntil,bytes32 record,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(IUnitRegistry.UnitClosure memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256("UnitClosure(uint32 unit,bytes32 record,uint64 signedAt)"),
                    operation
                )
            );
    }

    function hash(IUnitRegistry.SignerEnrolment memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "SignerEnrolment(uint32 unit,bytes32 signer,uint32 duties,uint8 custody,uint64 validFrom,uint64 validUntil,bytes32 record,bytes32 signedBy,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(IUnitRegistry.SignerRevocation memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "SignerRevocation(uint32 unit,bytes32 signer,bytes32 record,bytes32 signedBy,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(
        IUnitRegistry.EquipmentRegistration memory operation
    ) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "EquipmentRegistration(uint32 unit,bytes32 serial,uint8 kind,uint32 epoch,bytes32 record,bytes32 signedBy,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(IUnitRegistry.EquipmentChange memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "EquipmentChange(bytes32 equipment,uint32 unit,uint8 state,uint32 epoch,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(IUnitRegistry.RecoveryProposal memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "RecoveryProposal(uint32 unit,bytes32 signer,uint8 custody,uint64 validUntil,bytes32 record,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(IUnitRegistry.RecoveryVeto memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "RecoveryVeto(uint32 unit,bytes32 proposal,bytes32 record,bytes32 signedBy,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(IUnitRegistry.RecordErasure memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "RecordErasure(uint32 unit,bytes32 subject,bytes32 record,bytes32 signedBy,bytes32 countersignedBy,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(ICycleLedger.CycleOpening memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "CycleOpening(bytes32 equipment,uint32 unit,uint32 epoch,uint64 number,uint64 startedAt,bytes32 record,bytes32 signedBy,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(ICycleLedger.CycleEnding memory operation) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "CycleEnding(bytes32 cycle,uint32 unit,uint8 outcome,uint8 verdict,uint64 endedAt,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"
                    ),
                    operation
                )
            );
    }

    function hash(ICycleLedger.LoadDeclaration memory operation) internal pure returns (bytes32) {
        bytes memory totals;
        for (uint256 i = 0; i < operation.totals.length; ++i) {
            totals = bytes.concat(
                totals,
                keccak256(
                    abi.encode(
                        keccak256("ClassTotal(uint16 packageClass,uint32 quantity)"),
                        operation.totals[i]
                    )
                )
            );
        }
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "LoadDeclaration(bytes32 cycle,uint32 unit,ClassTotal[] totals,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)ClassTotal(uint16 packageClass,uint32 quantity)"
                    ),
                    operation.cycle,
                    operation.unit,
                    keccak256(totals),
                    operation.replaces,
                    operation.record,
                    operation.signedBy,
                    operation.signedAt
                )
            );
    }

    function hash(ICycleLedger.CycleDecision memory operation) internal pure returns (bytes32) {
        bytes memory shares;
        for (uint256 i = 0; i < operation.shares.length; ++i) {
            shares = bytes.concat(
                shares,
                keccak256(
                    abi.encode(
                        keccak256(
                            "Share(uint32 owner,uint32 payer,uint16 packageClass,int32 delta)"
                        ),
                        operation.shares[i]
                    )
                )
            );
        }
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "CycleDecision(bytes32 cycle,uint32 unit,uint8 kind,bytes32 ending,bytes32 load,bytes32 replaces,Share[] shares,bytes32 record,bytes32 signedBy,uint64 signedAt)Share(uint32 owner,uint32 payer,uint16 packageClass,int32 delta)"
                    ),
                    operation.cycle,
                    operation.unit,
                    operation.kind,
                    operation.ending,
                    operation.load,
                    operation.replaces,
                    keccak256(shares),
                    operation.record,
                    operation.signedBy,
                    operation.signedAt
                )
            );
    }
}
