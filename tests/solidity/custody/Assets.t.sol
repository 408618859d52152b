// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../../contracts/interfaces/ICustodyLedger.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CustodyBase} from "../support/CustodyBase.sol";

contract AssetsTest is CustodyBase {
    uint8 private constant IN_USE = 1;
    uint8 private constant OFFERED_TO_OTHERS = 2;
    uint8 private constant OUT_OF_SERVICE = 3;
    uint8 private constant SCRAPPED = 5;

    function test_a_registered_asset_is_with_its_owner_and_in_use() public {
        ICustodyLedger.AssetRegistration memory act = asset();
        bytes32 head = expectEvent(act, loaner);
        bytes memory call = encode(act);
        bytes32 digest = send(act);
        vm.assertEq(custody.head(), head);
        requireAsset(NORTH, IN_USE, 0);
        vm.assertEq(custody.getAsset(loaner).owner, NORTH);
        vm.assertEq(custody.getAsset(loaner).kind, 1);
        vm.assertEq(custody.getAsset(loaner).latest, digest);
        relayWithoutEffect(address(custody), call);
        send(assetChange(OUT_OF_SERVICE));
        relayWithoutEffect(address(custody), call);
    }

    function test_a_code_names_one_asset_of_a_unit() public {
        send(asset());
        ICustodyLedger.AssetRegistration memory act = asset();
        act.kind = 2;
        refuse(act, alreadyRecorded(digestOf(act), "asset", loaner));
        (act.unit, act.signedBy) = (SOUTH, id(keyOf[SOUTH]));
        send(act);
        vm.assertEq(custody.getAsset(assetId(SOUTH, CODE)).owner, SOUTH);
    }

    function test_kinds_and_states_are_known() public {
        ICustodyLedger.AssetRegistration memory act = asset();
        act.kind = 6;
        refuse(act, outside(digestOf(act), "kind", 6, 1, 5));
        send(asset());
        ICustodyLedger.AssetChange memory change_ = assetChange(0);
        refuse(change_, outside(digestOf(change_), "state", 0, 1, 5));
    }

    function test_assets_are_an_administrators() public {
        uint256 worker = actor("a worker");
        send(enrolmentOf(NORTH, worker, Rights.ALL - Rights.ADMINISTER));
        ICustodyLedger.AssetRegistration memory act = asset();
        act.signedBy = id(worker);
        uint32 held = Rights.ALL - Rights.ADMINISTER;
        refuse(act, rightMissing(digestOf(act), id(worker), Rights.ADMINISTER, held));
    }

    function test_only_its_owner_changes_it_naming_what_it_replaces() public {
        ICustodyLedger.AssetChange memory act = assetChange(OFFERED_TO_OTHERS);
        refuse(act, unknown(digestOf(act), "asset", loaner));
        bytes32 first = send(asset());
        act = assetChange(OFFERED_TO_OTHERS);
        (act.unit, act.signedBy) = (SOUTH, id(keyOf[SOUTH]));
        refuse(act, ofAnotherUnit(digestOf(act), "asset", loaner, NORTH));
        act = assetChange(OFFERED_TO_OTHERS);
        bytes32 head = expectEvent(act, loaner);
        bytes32 second = send(act);
        vm.assertEq(custody.head(), head);
        requireAsset(NORTH, OFFERED_TO_OTHERS, 0);
        act = assetChange(OUT_OF_SERVICE);
        act.replaces = first;
        refuse(act, notCurrent(digestOf(act), "replaces", first, second));
    }

    function test_what_is_scrapped_stays_so() public {
        send(asset());
        send(assetChange(SCRAPPED));
        ICustodyLedger.AssetChange memory act = assetChange(IN_USE);
        refuse(act, notAllowed(digestOf(act), "asset", SCRAPPED));
    }

    // ----------------------------------------------------------------------------- on its way

    function test_it_travels_with_one_consignment_and_changes_hands_with_it() public {
        withLoaner();
        requireAsset(NORTH, IN_USE, bytes22(box));
        ICustodyLedger.Dispatch memory second = dispatching();
        (second.slip, second.asset) = ("another", loaner);
        refuse(second, notAllowed(digestOf(second), "travelling", uint256(bytes32(bytes22(box)))));
        send(taking(VAN, CARRIED));
        requireAsset(NORTH, IN_USE, bytes22(box));
        ICustodyLedger.TakeOver memory act = taking(SOUTH, KEPT);
        act.seen = 0; // the asset alone was there
        send(act);
        requireAsset(SOUTH, IN_USE, 0);
        refuse(second, ofAnotherUnit(digestOf(second), "asset", loaner, SOUTH));
    }

    function test_an_asset_may_travel_alone() public {
        send(asset());
        ICustodyLedger.Dispatch memory act = dispatching();
        (act.asset, act.packages) = (loaner, 0);
        send(act);
        send(taking(SOUTH, KEPT));
        requireAsset(SOUTH, IN_USE, 0);
    }

    function test_only_what_is_known_here_and_in_use_is_sent() public {
        ICustodyLedger.Dispatch memory act = dispatching();
        act.asset = loaner;
        refuse(act, unknown(digestOf(act), "asset", loaner));
        send(asset());
        send(assetChange(OUT_OF_SERVICE));
        refuse(act, notAllowed(digestOf(act), "asset", OUT_OF_SERVICE));
        send(assetChange(OFFERED_TO_OTHERS));
        send(act);
    }

    function test_packages_without_their_asset_leave_it_with_who_sent_it() public {
        withLoaner();
        ICustodyLedger.TakeOver memory act = taking(SOUTH, KEPT_WITHOUT_ASSET);
        act.seen = 0;
        refuse(act, outside(digestOf(act), "packages", 0, 1, PACKAGES));
        send(taking(SOUTH, KEPT_WITHOUT_ASSET));
        requireStands(RECEIVED, SOUTH, 0);
        requireAsset(NORTH, IN_USE, 0);
    }

    function test_what_ends_it_names_its_asset_and_nothing_else_does() public {
        withLoaner();
        ICustodyLedger.TakeOver memory act = taking(SOUTH, KEPT);
        act.asset = 0;
        refuse(act, notAllowed(digestOf(act), "asset", 0));
        act.asset = "another";
        refuse(act, notAllowed(digestOf(act), "asset", uint256(bytes32("another"))));
        act = taking(VAN, CARRIED);
        act.asset = loaner;
        refuse(act, notAllowed(digestOf(act), "asset", uint256(loaner)));
        ICustodyLedger.Disposition memory cancelled = disposing(NORTH, CANCEL);
        cancelled.asset = 0;
        refuse(cancelled, notAllowed(digestOf(cancelled), "asset", 0));
        send(disposing(NORTH, CANCEL));
        requireAsset(NORTH, IN_USE, 0);
    }

    function test_a_consignment_without_an_asset_brings_none() public {
        send(asset());
        dispatched();
        ICustodyLedger.TakeOver memory act = taking(SOUTH, KEPT);
        act.asset = loaner;
        refuse(act, notAllowed(digestOf(act), "asset", uint256(loaner)));
        act = taking(SOUTH, KEPT_WITHOUT_ASSET);
        refuse(act, notAllowed(digestOf(act), "outcome", KEPT_WITHOUT_ASSET));
    }

    function test_back_with_its_giver_it_is_free() public {
        withLoaner();
        send(taking(VAN, CARRIED));
        send(taking(NORTH, KEPT));
        requireStands(RETURNED, NORTH, 0);
        requireAsset(NORTH, IN_USE, 0);
    }

    // ------------------------------------------------------------------------------------------

    function requireAsset(uint32 custodian, uint8 state, bytes22 travels) private view {
        ICustodyLedger.Asset memory stored = custody.getAsset(loaner);
        vm.assertEq(stored.custodian, custodian);
        vm.assertEq(stored.state, state);
        vm.assertEq(bytes32(stored.consignment), bytes32(travels));
    }
}
