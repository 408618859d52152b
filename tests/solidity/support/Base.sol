// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {IContributionLedger} from "../../../contracts/interfaces/IContributionLedger.sol";
import {ICustodyLedger} from "../../../contracts/interfaces/ICustodyLedger.sol";
import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {IWitnesses, KindRow} from "../../../contracts/interfaces/IWitnesses.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Operations} from "./Operations.sol";

/// The ledgers, freshly deployed, with two units, and their operations as they usually are.
///
/// `encode` builds the call for a batch of one with the right proofs, `send` relays it, `expectEvent`
/// expects its event, and `refuse` relays it, expects exactly the given error, and asserts that no
/// running head moved.
abstract contract Base is Operations {
    uint64 internal constant NOW = 1_800_000_000;
    uint32 internal constant NORTH = 1; // the lead hospital, which processes
    uint32 internal constant SOUTH = 2; // a member unit
    bytes32 internal constant RECORD = keccak256("record");
    bytes32 internal constant SERIAL = keccak256("serial");

    string private constant VERIFIERS =
        "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913";

    address internal p256Verifier;
    address internal webAuthnVerifier;

    uint256 internal nora; // NORTH's administrator
    uint256 internal oscar; // NORTH's operator, with every right but ADMINISTER
    uint256 internal olga; // a second such operator
    uint256 internal sam; // SOUTH's administrator
    uint256 internal mallory; // nobody's

    bytes32 internal sterilizer; // NORTH's, epoch 1

    uint256 private _deployments; // the salt of the next deployment

    // ------------------------------------------------------------------------------------- setup

    function setUp() public virtual {
        vm.warp(NOW);
        authority = actor("authority");
        nora = actor("nora");
        oscar = actor("oscar");
        olga = actor("olga");
        sam = actor("sam");
        mallory = actor("mallory");
        p256Verifier = deploy(string.concat(VERIFIERS, "P256Verifier.sol/ERC7913P256Verifier"), "");
        webAuthnVerifier = deploy(
            string.concat(VERIFIERS, "WebAuthnVerifier.sol/ERC7913WebAuthnVerifier"),
            ""
        );
        address[] memory verifiers = new address[](2);
        (verifiers[0], verifiers[1]) = (p256Verifier, webAuthnVerifier);
        registry = deployRegistry(vm.addr(authority), verifiers);
        ledger = deployLedger(registry);
        custody = deployCustody(registry);
        witnesses = deployWitnesses(registry, ledger, kindRows());
        contributions = deployContributions(registry);
        sterilizer = equipmentId(NORTH, SERIAL);
    }

    function deployRegistry(
        address authority_,
        address[] memory verifiers
    ) internal returns (IUnitRegistry) {
        return
            IUnitRegistry(
                deploy("contracts/UnitRegistry.sol/UnitRegistry", abi.encode(authority_, verifiers))
            );
    }

    function deployLedger(IUnitRegistry registry_) internal returns (ICycleLedger) {
        return ICycleLedger(deploy("contracts/CycleLedger.sol/CycleLedger", abi.encode(registry_)));
    }

    function deployCustody(IUnitRegistry registry_) internal returns (ICustodyLedger) {
        return
            ICustodyLedger(
                deploy("contracts/CustodyLedger.sol/CustodyLedger", abi.encode(registry_))
            );
    }

    function deployWitnesses(
        IUnitRegistry registry_,
        ICycleLedger cycles,
        KindRow[] memory rows
    ) internal returns (IWitnesses) {
        return
            IWitnesses(
                deploy("contracts/Witnesses.sol/Witnesses", abi.encode(registry_, cycles, rows))
            );
    }

    function deployContributions(IUnitRegistry registry_) internal returns (IContributionLedger) {
        return
            IContributionLedger(
                deploy("contracts/ContributionLedger.sol/ContributionLedger", abi.encode(registry_))
            );
    }

    /// One kind for each scope and mode, numbered by both: 21 is about an own cycle, and a state.
    function kindRows() internal pure returns (KindRow[] memory rows) {
        rows = new KindRow[](8);
        for (uint8 i = 0; i < 8; ++i) {
            (uint8 scope, uint8 mode) = (i / 2 + 1, (i % 2) + 1);
            rows[i] = KindRow(scope * 10 + mode, scope == 4 ? 0 : Rights.REPORT, scope, mode);
        }
    }

    /// Deploys what the project's own settings compile to: the tests are compiled with others, for
    /// speed, and `new` would embed contracts that nobody deploys.
    function deploy(
        string memory artifact,
        bytes memory arguments
    ) internal returns (address deployed) {
        string memory json = vm.readFile(
            string.concat("build/hardhat/artifacts/", artifact, ".json")
        );
        bytes memory code = vm.parseJsonBytes(json, ".bytecode");
        deployed = Create2.deploy(0, bytes32(++_deployments), bytes.concat(code, arguments));
    }

    /// Admits both units, enrols NORTH's operators and registers its sterilizer.
    function settle() internal {
        send(admission(NORTH, nora));
        send(admission(SOUTH, sam));
        send(enrolment(oscar, Rights.ALL - Rights.ADMINISTER));
        send(enrolment(olga, Rights.ALL - Rights.ADMINISTER));
        send(registration(SERIAL));
    }

    // --------------------------------------------------------------------- operations, as usually

    function admission(
        uint32 unit,
        uint256 administrator
    ) internal view returns (IUnitRegistry.UnitAdmission memory) {
        return IUnitRegistry.UnitAdmission(unit, 3, id(administrator), 1, 0, RECORD, now64());
    }

    function closure(uint32 unit) internal view returns (IUnitRegistry.UnitClosure memory) {
        return IUnitRegistry.UnitClosure(unit, RECORD, now64());
    }

    function enrolment(
        uint256 key,
        uint32 rights
    ) internal view returns (IUnitRegistry.SignerEnrolment memory) {
        return
            IUnitRegistry.SignerEnrolment(
                NORTH,
                id(key),
                rights,
                2,
                now64(),
                0,
                RECORD,
                id(nora),
                now64()
            );
    }

    function revocation(uint256 key) internal view returns (IUnitRegistry.SignerRevocation memory) {
        return IUnitRegistry.SignerRevocation(NORTH, id(key), RECORD, id(nora), now64());
    }

    function registration(
        bytes32 serial
    ) internal view returns (IUnitRegistry.EquipmentRegistration memory) {
        return IUnitRegistry.EquipmentRegistration(NORTH, serial, 1, 1, RECORD, id(nora), now64());
    }

    function change(
        uint8 state,
        uint32 epoch
    ) internal view returns (IUnitRegistry.EquipmentChange memory) {
        (, , , bytes32 latest, ) = registry.getEquipment(sterilizer);
        return
            IUnitRegistry.EquipmentChange(
                sterilizer,
                NORTH,
                state,
                epoch,
                latest,
                RECORD,
                id(nora),
                now64()
            );
    }

    function proposal(uint256 key) internal view returns (IUnitRegistry.RecoveryProposal memory) {
        return IUnitRegistry.RecoveryProposal(NORTH, id(key), 3, 0, RECORD, now64());
    }

    function veto(bytes32 proposed) internal view returns (IUnitRegistry.RecoveryVeto memory) {
        return IUnitRegistry.RecoveryVeto(NORTH, proposed, RECORD, id(nora), now64());
    }

    function erasure(bytes32 subject) internal view returns (IUnitRegistry.RecordErasure memory) {
        return IUnitRegistry.RecordErasure(NORTH, subject, RECORD, id(oscar), id(olga), now64());
    }

    function opening(uint64 number) internal view returns (ICycleLedger.CycleOpening memory) {
        return
            ICycleLedger.CycleOpening(sterilizer, NORTH, 1, number, 0, RECORD, id(oscar), now64());
    }

    /// Takes back the opening of that number, as `opening` gives it.
    function voiding(uint64 number) internal view returns (ICycleLedger.CycleVoid memory) {
        return
            ICycleLedger.CycleVoid(
                cycleId(sterilizer, 1, number),
                NORTH,
                digestOf(opening(number)),
                RECORD,
                id(oscar),
                now64()
            );
    }

    function ending(
        bytes32 cycle,
        uint8 outcome,
        uint8 verdict
    ) internal view returns (ICycleLedger.CycleEnding memory) {
        bytes32 current = ledger.getCycle(cycle).ending;
        return
            ICycleLedger.CycleEnding(
                cycle,
                NORTH,
                outcome,
                verdict,
                0,
                current,
                RECORD,
                id(oscar),
                now64()
            );
    }

    function declaration(
        bytes32 cycle,
        ICycleLedger.ClassTotal[] memory totals
    ) internal view returns (ICycleLedger.LoadDeclaration memory) {
        bytes32 current = ledger.getCycle(cycle).load;
        return
            ICycleLedger.LoadDeclaration(cycle, NORTH, totals, current, RECORD, id(oscar), now64());
    }

    function decision(
        bytes32 cycle,
        uint8 kind,
        ICycleLedger.Share[] memory shares
    ) internal view returns (ICycleLedger.CycleDecision memory) {
        ICycleLedger.Cycle memory stored = ledger.getCycle(cycle);
        return
            ICycleLedger.CycleDecision(
                cycle,
                NORTH,
                kind,
                stored.ending,
                stored.load,
                stored.decision,
                shares,
                RECORD,
                id(oscar),
                now64()
            );
    }

    function statement(
        uint16 kind,
        bytes32 about
    ) internal view returns (IWitnesses.Witness memory) {
        return IWitnesses.Witness(kind, about, NORTH, "content", 0, RECORD, id(oscar), now64());
    }

    /// NORTH served SOUTH.
    function service(int48 quantity) internal view returns (IContributionLedger.Service memory) {
        return
            IContributionLedger.Service(
                NORTH,
                SOUTH,
                7,
                1,
                quantity,
                "subject",
                0,
                0,
                RECORD,
                id(oscar),
                now64()
            );
    }

    function correction(
        IContributionLedger.Service memory served,
        bytes32 corrects,
        int48 quantity
    ) internal pure returns (IContributionLedger.Service memory changed) {
        changed = abi.decode(abi.encode(served), (IContributionLedger.Service));
        (changed.corrects, changed.quantity) = (corrects, quantity);
    }

    function now64() internal view returns (uint64) {
        return uint64(block.timestamp);
    }

    /// OutOfRange, of a member that has no sign.
    function outside(
        bytes32 digest,
        bytes32 what,
        uint256 value,
        uint256 least,
        uint256 most
    ) internal pure returns (bytes memory) {
        return outOfRange(digest, what, int256(value), int256(least), int256(most));
    }
}
