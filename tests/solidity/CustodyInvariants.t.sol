// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {CustodyBase} from "./support/CustodyBase.sol";
import {Vm} from "./support/Vm.sol";

/// Takes every step at random for every unit, keeps its own books, and never reverts itself.
contract CustodyHandler is CustodyBase {
    uint32[5] private _units = [NORTH, SOUTH, EAST, VAN, DRONE];

    bytes32 public custodyHead; // the fold over every digest that was accepted
    bool public changedOver; // whether anything that was over changed
    bool public endedByOthers; // whether anybody ended one but its receiver, its giver or the authority
    bool public reroutedByOthers; // whether anybody changed a receiver but the giver or the authority
    bool public heldUnasked; // whether anybody came to hold one without taking it over
    bool public overcounted; // whether more was accepted and refused than was sent
    bool public replayChanged;
    bytes32[] private _boxes;
    mapping(bytes32 box => bytes32 stored) private _over; // as it was when it ended
    bytes32[2] private _assets;
    bytes[] private _calls; // that were accepted

    function start() external {
        setUp();
        for (uint256 i = 0; i < 2; ++i) {
            ICustodyLedger.AssetRegistration memory act = asset();
            act.code = bytes32(i + 1);
            send(act);
            _assets[i] = assetId(NORTH, act.code);
        }
        custodyHead = custody.head();
    }

    // ----------------------------------------------------------------------------------- actions

    function sendOne(uint8 of_, uint8 to, uint8 first) external {
        ICustodyLedger.Dispatch memory act = dispatching();
        act.slip = bytes32((_boxes.length % 4) + 1);
        (act.receiver, act.taker) = (someone(to), someone(first));
        if (of_ % 3 < 2) act.asset = _assets[of_ % 3];
        bytes32 id_ = consignmentId(NORTH, act.slip);
        if (attempt(encode(act), digestOf(act))) _boxes.push(id_);
    }

    function handOver(uint8 which, uint8 unit, uint8 to) external {
        if (!pick(which)) return;
        ICustodyLedger.HandOver memory act = handing(often(unit), someone(to));
        step(encode(act), digestOf(act), act.unit, false);
    }

    function takeOver(uint8 which, uint8 unit, uint8 outcome, bool blind, uint8 seen) external {
        if (!pick(which)) return;
        ICustodyLedger.Consignment memory before = custody.getConsignment(box);
        ICustodyLedger.TakeOver memory act = taking(often(unit), (outcome % 4) + 1);
        (act.seen, act.inferred, act.refused) = (seen % 24, outcome % 3, unit % 2);
        if (before.hasAsset && act.asset != 0) act.asset = assetIn(box);
        if (blind) (act.step, act.previous) = (0, 0);
        bool ends = act.outcome == KEPT || act.outcome == KEPT_WITHOUT_ASSET;
        bool may = act.unit == before.receiver || act.unit == before.giver;
        if (!step(encode(act), digestOf(act), act.unit, act.outcome != REFUSED)) return;
        endedByOthers = endedByOthers || (ends && !may);
        overcounted =
            overcounted || uint256(act.seen) + act.inferred + act.refused > before.packages;
    }

    function dispose(uint8 which, uint8 unit, uint8 kind, uint8 to) external {
        if (!pick(which)) return;
        ICustodyLedger.Consignment memory before = custody.getConsignment(box);
        ICustodyLedger.Disposition memory act = disposing(often(unit), (kind % 4) + 1);
        if (act.kind == REROUTE) act.receiver = someone(to);
        if (act.asset != 0) act.asset = assetIn(box);
        if (!step(encode(act), digestOf(act), act.unit, false)) return;
        endedByOthers = endedByOthers || (act.kind == CANCEL && act.unit != before.giver);
        reroutedByOthers = reroutedByOthers || (act.kind == REROUTE && act.unit != before.giver);
    }

    function replay(uint256 which) external {
        if (_calls.length == 0) return;
        bytes32 head = custody.head();
        (bool done, ) = address(custody).call(_calls[which % _calls.length]);
        replayChanged = replayChanged || (done && custody.head() != head);
    }

    // --------------------------------------------------------------------------------- the books

    function headOfCustody() external view returns (bytes32) {
        return custody.head();
    }

    /// Every asset that travels is in exactly one consignment that is not over, and each such
    /// consignment's asset travels in it.
    function assetsAreWhereTheyTravel() external view returns (bool) {
        for (uint256 a = 0; a < 2; ++a) {
            ICustodyLedger.Asset memory stored = custody.getAsset(_assets[a]);
            if (stored.custodian == 0) return false;
            uint256 carrying = 0;
            for (uint256 i = 0; i < _boxes.length; ++i) {
                ICustodyLedger.Consignment memory inside = custody.getConsignment(_boxes[i]);
                bool open = inside.state != 0 && !isOver(inside.state);
                if (bytes22(_boxes[i]) == stored.consignment && open && inside.hasAsset) ++carrying;
            }
            if (carrying != (stored.consignment == 0 ? 0 : 1)) return false;
        }
        return true;
    }

    function eachHasOneHolder() external view returns (bool) {
        for (uint256 i = 0; i < _boxes.length; ++i) {
            ICustodyLedger.Consignment memory stored = custody.getConsignment(_boxes[i]);
            bool offered = stored.state == OFFERED;
            if (stored.holder == 0 || offered != (stored.taker != 0)) return false;
            if (stored.state == RECEIVED && stored.holder != stored.receiver) return false;
            if (stored.state == RETURNED && stored.holder != stored.giver) return false;
            if (stored.state == CANCELLED && stored.holder != stored.giver) return false;
        }
        return true;
    }

    // ------------------------------------------------------------------------------------------

    function step(
        bytes memory call,
        bytes32 digest,
        uint32 unit,
        bool takes
    ) private returns (bool done) {
        ICustodyLedger.Consignment memory before = custody.getConsignment(box);
        done = attempt(call, digest);
        ICustodyLedger.Consignment memory later = custody.getConsignment(box);
        bytes32 stored = keccak256(abi.encode(later));
        if (isOver(before.state)) changedOver = changedOver || stored != _over[box];
        else if (isOver(later.state)) _over[box] = stored;
        bool moved = before.holder != later.holder;
        heldUnasked = heldUnasked || (moved && (!takes || later.holder != unit));
    }

    /// Relays the call; books it when it was accepted and is not a repetition.
    function attempt(bytes memory call, bytes32 digest) private returns (bool) {
        bytes32 before = custody.head();
        (bool done, ) = address(custody).call(call);
        if (!done || custody.head() == before) return false;
        custodyHead = fold(custodyHead, digest);
        _calls.push(call);
        return true;
    }

    function pick(uint8 which) private returns (bool) {
        if (_boxes.length == 0) return false;
        box = _boxes[which % _boxes.length];
        return true;
    }

    function someone(uint8 which) private view returns (uint32) {
        return _units[which % 5];
    }

    /// Whoever has a part in it, or anybody.
    function often(uint8 which) private view returns (uint32) {
        ICustodyLedger.Consignment memory stored = custody.getConsignment(box);
        uint32[4] memory parts = [stored.giver, stored.receiver, stored.holder, stored.taker];
        uint32 unit = which % 8 < 6 ? parts[which % 4] : someone(which);
        return unit == 0 ? stored.holder : unit;
    }

    function assetIn(bytes32 box_) private view returns (bytes32) {
        bool isFirst = custody.getAsset(_assets[0]).consignment == bytes22(box_);
        return isFirst ? _assets[0] : _assets[1];
    }

    function isOver(uint8 state) private pure returns (bool) {
        return state == RECEIVED || state == CANCELLED || state == RETURNED;
    }
}

contract CustodyInvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    CustodyHandler private handler;

    function setUp() public {
        handler = new CustodyHandler();
        handler.start();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](5);
        selectors[0] = CustodyHandler.sendOne.selector;
        selectors[1] = CustodyHandler.handOver.selector;
        selectors[2] = CustodyHandler.takeOver.selector;
        selectors[3] = CustodyHandler.dispose.selector;
        selectors[4] = CustodyHandler.replay.selector;
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_every_travelling_asset_is_in_one_open_consignment() public view {
        vm.assertTrue(handler.assetsAreWhereTheyTravel());
    }

    function invariant_each_consignment_has_one_holder_and_the_right_one_at_its_end() public view {
        vm.assertTrue(handler.eachHasOneHolder());
        vm.assertFalse(handler.heldUnasked());
    }

    function invariant_nobody_ends_it_but_its_receiver_or_giver() public view {
        vm.assertFalse(handler.endedByOthers());
        vm.assertFalse(handler.reroutedByOthers());
    }

    function invariant_what_is_over_never_changes() public view {
        vm.assertFalse(handler.changedOver());
        vm.assertFalse(handler.replayChanged());
    }

    function invariant_no_more_is_accepted_and_refused_than_was_sent() public view {
        vm.assertFalse(handler.overcounted());
    }

    function invariant_the_head_is_the_fold_over_the_accepted_digests() public view {
        vm.assertEq(handler.headOfCustody(), handler.custodyHead());
    }
}
